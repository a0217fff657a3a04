# with imports
import re, math, json, random, itertools, functools, collections, heapq, typing


@functools.lru_cache
def one(n):
    return n


def unique(numbers: "typing.List[int]"):
    return [one(n) for n in sorted(collections.Counter(numbers))]
