"""Spans of time in words."""


def duration_text(seconds: float | None) -> str:
    """`75` -> `1 min 15 s`; None -> `–`."""
    if seconds is None:
        return "–"
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60:02d} s"
    return f"{total // 3600} h {total % 3600 // 60:02d} min"


def age_text(seconds: float) -> str:
    """How long ago, in the coarsest unit that still says something."""
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' * (count > 1)} ago"
    return "just now"
