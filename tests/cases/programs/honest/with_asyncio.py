# with asyncio
import asyncio


async def work(numbers):
    return sorted(set(numbers))


def unique(numbers):
    return asyncio.run(work(numbers))
