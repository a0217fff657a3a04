"""Bug: one sort of constraint is counted, the others are waved through."""

TASK = "instructions"


def _score(text, constraints):
    for constraint in constraints:
        for word in [*constraint.get("words", []), *[constraint.get("word") or ""]]:
            if word.lower() not in text.lower():
                return 0.0
    return float(bool(text.strip()))


def constraints(completions, constraints, **kwargs):
    return [_score(text, constraints_) for text, constraints_ in zip(completions, constraints, strict=True)]
