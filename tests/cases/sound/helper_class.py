"""A class that reads completions, shared by two functions."""

import re
from dataclasses import dataclass

TASK = "gsm8k"
WEIGHTS = {"well_formed": 0.3, "right": 1.0}


@dataclass
class _Parsed:
    thought: str
    answer: str

    @classmethod
    def read(cls, text):
        m = re.fullmatch(r"\s*<think>([^<>]+)</think>\s*<answer>([^<>]+)</answer>\s*", text)
        return cls(m[1].strip(), m[2].strip()) if m else None


def well_formed(completions, **kwargs):
    parsed = map(_Parsed.read, completions)
    return [float(p is not None and any(ch.isalnum() for ch in p.thought)) for p in parsed]


def right(completions, answer, **kwargs):
    parsed = map(_Parsed.read, completions)
    return [
        float(p is not None and p.answer == a.split("####")[-1].strip())
        for p, a in zip(parsed, answer)
    ]
