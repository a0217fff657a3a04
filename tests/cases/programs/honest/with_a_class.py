# with a class
from dataclasses import dataclass


@dataclass
class Box:
    numbers: list

    def sorted(self):
        return sorted(set(self.numbers))


def unique(numbers):
    return Box(numbers).sorted()
