"""Inputs to test a Triton kernel with: odd sizes, awkward values, drawn from a secret seed.

Five tests for each row. An axis without a fixed size has a name, any identifier: where a name
stands twice the sizes are equal, and different names have sizes of their own. Sizes are no
multiples of any block, one is 1 and one is larger than most blocks; values have ties, zeros, signs,
tiny and large numbers, and means other than 0. Some references cannot take every value (a
logarithm): each test has gentler values to fall back on, and whoever knows the reference's answers
chooses. Whole numbers have both signs too, unless they are indices, which the reference's answers
to the probes show. NaN and infinity are never inputs, since Triton's minimum and maximum treat them
unlike torch's.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rft_core.types import Row

Array = np.ndarray[Any, np.dtype[Any]]
Draw = Callable[[np.random.Generator, tuple[int, ...], float], Array]

BLOCK = 16  # the smallest that kernels use
ODD_ENDS = range(1, BLOCK - 2, 2)
BESIDE_LARGE = 8  # elements beside a last axis that may become large
SPECIAL = (0.0, 0.0, 1.0, -1.0, 0.5, -0.5, 0.5, 2.0, -2.0, 1e-3, -1e-3, 1e-30, -3e-39)
LARGEST = {"float16": 9.0}  # of the large values: exp() of them is still finite,
LARGE = 80.0  # in float32
HUGE = 4.0  # times as large: only who subtracts the maximum first gets exp() right
FLOATS = ("float16", "bfloat16", "float32", "float64")
INTEGERS = {"int8": 100, "uint8": 200, "int16": 1000, "int32": 1000, "int64": 1000}
DTYPES = (*FLOATS, *INTEGERS, "bool")
INDEX_TYPES = ("int32", "int64")
FEW = 9  # small enough for many ties and zeros
LONG = 1 << 40  # what int32 and float32 cannot hold
PROBED_SIZE = 65
FEW_AXES = 2  # with a name; more of them get smaller sizes, or a tensor would be huge
Sizes = Mapping[str, int]  # of the names


@dataclass(frozen=True)
class KernelInputs:
    """The arguments of one call. `values` of bfloat16 are float32 that it can hold."""

    label: str
    values: tuple[Array, ...]
    dtypes: tuple[str, ...]

    def as_arguments(self) -> list[dict[str, Any]]:
        """For the jailed side."""
        return [
            {"values": values, "dtype": dtype}
            for values, dtype in zip(self.values, self.dtypes, strict=True)
        ]


def draw_tests(row: Row, seed: int, indices: Collection[int] = ()) -> list[list[KernelInputs]]:
    """For each test its inputs, and gentler ones to fall back on. The same for the same seed.

    `indices`: the places of the inputs whose numbers must be indices into any axis.
    """
    text = f"{seed} {json.dumps(row['inputs'], sort_keys=True)} {row['reference']}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    rng = np.random.default_rng(list(digest))
    sizes = _draw_sizes(rng, row["inputs"], digest)
    return [
        [_draw_inputs(rng, row["inputs"], size, kind, indices) for kind in kinds]
        for size, kinds in zip(sizes, TESTS, strict=True)
    ]


def make_probes(row: Row) -> list[tuple[int, KernelInputs]]:
    """For each place that may hold indices what no index is: beyond every size, on both sides."""
    places = [i for i, one in enumerate(row["inputs"]) if one["dtype"] in INDEX_TYPES]
    size = PROBED_SIZE if _count_named(row["inputs"]) <= FEW_AXES else FEW
    sizes = dict.fromkeys(_list_names(row["inputs"]), size)
    plain = _draw_inputs(np.random.default_rng(0), row["inputs"], sizes, GENTLE, places)
    beyond = 1 + max(values.size for values in plain.values)
    probes = []
    for place in places:
        for number in (beyond, -beyond):
            values = list(plain.values)
            values[place] = np.full_like(values[place], number)
            probes.append((place, replace(plain, values=tuple(values))))
    return probes


def is_valid(row: Row) -> bool:
    """Whether the row says what `f` computes and what it takes."""
    inputs = row.get("inputs")
    if not isinstance(row.get("reference"), str) or not isinstance(inputs, list) or not inputs:
        return False
    return all(
        isinstance(one, Mapping)
        and one.get("dtype") in DTYPES
        and isinstance(one.get("shape"), list)
        and all(map(_is_size, one["shape"]))
        for one in inputs
    )


def _is_size(size: Any) -> bool:
    is_name = isinstance(size, str) and size.isidentifier()
    return is_name or (type(size) is int and size > 0)


def _list_names(inputs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each once, in the order in which they first stand."""
    return list(dict.fromkeys(n for one in inputs for n in one["shape"] if isinstance(n, str)))


def _count_named(inputs: Sequence[Mapping[str, Any]]) -> int:
    """How many axes of one input have names, at most."""
    return max(sum(isinstance(n, str) for n in one["shape"]) for one in inputs)


def _draw_sizes(
    rng: np.random.Generator, inputs: Sequence[Mapping[str, Any]], digest: bytes
) -> list[Sizes]:
    """1, and odd ones past the smallest blocks; where it is cheap, one past nearly all blocks.

    Each ends three lanes or more before its last block of 16: what a load leaves undefined there is
    then every kind of number, and none of them can be the right one for all.
    """
    middle, large = (64, 128), (128, 192)
    names = _list_names(inputs)
    if len(names) < FEW_AXES and all(_may_be_large(one["shape"]) for one in inputs):
        middle, large = (128, 256), (1024, 1408)
    ranges: tuple[tuple[int, int], ...] = ((64, 128), (64, 128), middle, large)
    if (named := _count_named(inputs)) > FEW_AXES:
        ranges = (((16, 48) if named == FEW_AXES + 1 else (0, 16)),) * len(ranges)
    generators = [rng, *(np.random.default_rng([*digest, n]) for n in range(1, len(names)))]
    sizes = {
        name: [1, *(_draw_odd(own, low // BLOCK, high // BLOCK) for low, high in ranges)]
        for name, own in zip(names or ["n"], generators, strict=True)
    }
    return [dict(zip(sizes, drawn, strict=True)) for drawn in zip(*sizes.values(), strict=True)]


def _draw_odd(rng: np.random.Generator, first: int, end: int) -> int:
    return int(rng.integers(first, end)) * BLOCK + int(rng.choice(ODD_ENDS))


def _may_be_large(shape: Sequence[int | str]) -> bool:
    if all(isinstance(size, int) for size in shape):
        return True
    beside = [size for size in shape[:-1] if isinstance(size, int)]
    return len(beside) == len(shape) - 1 and math.prod(beside) <= BESIDE_LARGE


def _draw_inputs(
    rng: np.random.Generator,
    inputs: Sequence[Mapping[str, Any]],
    sizes: Sizes,
    kind: str,
    indices: Collection[int],
) -> KernelInputs:
    shapes = [tuple(sizes.get(n, n) for n in one["shape"]) for one in inputs]
    dtypes = tuple(one["dtype"] for one in inputs)
    smallest = min((n for shape in shapes for n in shape), default=1)
    values = tuple(
        _draw_array(rng, shape, dtype, GENTLE if place in indices else kind, smallest)
        for place, (shape, dtype) in enumerate(zip(shapes, dtypes, strict=True))
    )
    named = [f"{name}={sizes[name]}" for name in _list_names(inputs)]
    return KernelInputs(", ".join([*named, f"{kind} values"]), values, dtypes)


def _draw_array(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: str, kind: str, smallest: int
) -> Array:
    """`smallest`: of all axes; whole numbers below it can be indices into any."""
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if dtype in INTEGERS:
        if kind == GENTLE:
            return rng.integers(0, smallest, shape).astype(dtype)
        limit = LONG if kind == "huge" and dtype == "int64" else INTEGERS[dtype]
        low = 0 if dtype.startswith("u") else -1
        few = rng.integers(low * FEW, FEW, shape, endpoint=True)
        any_size = rng.integers(low * limit, limit, shape, endpoint=True)
        return np.where(rng.random(shape) < 0.25, few, any_size).astype(dtype)
    drawn = np.asarray(FLOAT_KINDS[kind](rng, shape, LARGEST.get(dtype, LARGE)))
    if dtype == "bfloat16":
        bits = drawn.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
        return np.asarray(bits).view(np.float32)
    return drawn.astype(dtype)


def _draw_mixed(rng: np.random.Generator, shape: tuple[int, ...], limit: float) -> Array:
    """Both signs, with ties, zeros, and numbers next to nothing."""
    special = rng.choice(SPECIAL, shape)
    return np.where(rng.random(shape) < 0.25, special, rng.normal(0.0, 2.0, shape))


def _draw_negative(rng: np.random.Generator, shape: tuple[int, ...], limit: float) -> Array:
    """Mostly below 0: the mean is not 0, and what is above 0 is rare."""
    return rng.normal(-2.0, 1.5, shape)


def _draw_large(rng: np.random.Generator, shape: tuple[int, ...], limit: float) -> Array:
    """Of every size up to the limit, the sign at random but for a bias upwards."""
    size = limit ** rng.uniform(-0.5, 1.0, shape)
    return np.where(rng.random(shape) < 0.6, size, -size)


def _draw_skewed(rng: np.random.Generator, shape: tuple[int, ...], limit: float) -> Array:
    """Mostly above 0, with a long tail upwards and some below."""
    return rng.exponential(2.0, shape) - 0.5


def _draw_gentle(rng: np.random.Generator, shape: tuple[int, ...], limit: float) -> Array:
    """Above 0 and small: what any reference should take."""
    return rng.uniform(0.1, 2.0, shape)


GENTLE = "gentle"
FLOAT_KINDS: Mapping[str, Draw] = {
    "mixed": _draw_mixed,
    "negative": _draw_negative,
    "huge": lambda rng, shape, limit: HUGE * _draw_large(rng, shape, limit),
    "large": _draw_large,
    "skewed": _draw_skewed,
    GENTLE: _draw_gentle,
}
TESTS = (  # the kind of values for each size in turn, and what comes in its place
    ("mixed", GENTLE),
    ("negative", "mixed", GENTLE),
    ("huge", "large", "mixed", GENTLE),
    ("mixed", "skewed", GENTLE),
    ("skewed", "mixed", GENTLE),
)
