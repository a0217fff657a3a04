"""Stories that compare: more, fewer, half as many, so many times as many; and ages."""

from rft_core.tasks.stories.story import StoryKind

COMPARING = (
    StoryKind(
        "difference",
        (
            "{name} has {a} {things}. {other} has {b}. How many more {things} does {name} have "
            "than {other}?",
            "There are {a} {things} on the table and {b} on the shelf. How many fewer are on the "
            "shelf?",
        ),
        {"a": (20, 99), "b": (3, 80)},
        (("x = a - b", "The difference is {x} {things}."),),
    ),
    StoryKind(
        "older",
        (
            "{name} is {a} years old. {other} is {b} years older. How old is {other}?",
            "{other} is {b} years older than {name}, who is {a}. How old is {other}?",
        ),
        {"a": (5, 60), "b": (3, 30)},
        (("x = a + b", "{other} is {x} years old."),),
    ),
    StoryKind(
        "half as many",
        (
            "{name} sells {a} {things} in April and half as many in May. How many {things} is that "
            "altogether?",
            "{name} has {a} {things} and {other} has half as many. How many {things} do they have "
            "together?",
        ),
        {"a": (10, 98)},
        (
            ("x = a / 2", "Half of that is {x} {things}."),
            ("y = a + x", "Altogether that is {y} {things}."),
        ),
    ),
    StoryKind(
        "times as many",
        (
            "{name} has {a} {things}. {other} has {b} times as many. How many {things} do they "
            "have together?",
            "{other} has {b} times as many {things} as {name}, who has {a}. How many {things} do "
            "both have?",
        ),
        {"a": (3, 12), "b": (3, 9)},
        (
            ("x = a * b", "{other} has {x} {things}."),
            ("y = a + x", "Together they have {y} {things}."),
        ),
    ),
    StoryKind(
        "more, together",
        (
            "{name} has {a} {things}. {other} has {b} more than {name}. How many {things} do they "
            "have together?",
            "{other} has {b} more {things} than {name}, who has {a}. How many {things} do both "
            "have?",
        ),
        {"a": (5, 50), "b": (3, 30)},
        (
            ("x = a + b", "{other} has {x} {things}."),
            ("y = a + x", "Together they have {y} {things}."),
        ),
    ),
    StoryKind(
        "fewer, together",
        (
            "{name} has {a} {things}. {other} has {b} fewer than {name}. How many {things} do they "
            "have together?",
            "{other} has {b} fewer {things} than {name}, who has {a}. How many {things} do both "
            "have?",
        ),
        {"a": (12, 70), "b": (3, 40)},
        (
            ("x = a - b", "{other} has {x} {things}."),
            ("y = a + x", "Together they have {y} {things}."),
        ),
    ),
    StoryKind(
        "future age",
        (
            "{name} is {a} years old. {other} is {b} times as old. How old will {other} be in {c} "
            "years?",
            "{other} is {b} times as old as {name}, who is {a}. How old is {other} {c} years from "
            "now?",
        ),
        {"a": (4, 12), "b": (3, 6), "c": (3, 30)},
        (
            ("x = a * b", "{other} is {x} years old."),
            ("y = x + c", "Later {other} will be {y} years old."),
        ),
    ),
    StoryKind(
        "three people",
        (
            "{name} has {a} {things}. {other} has {b} times as many, and Zoe has {c} fewer than "
            "{other}. How many {things} does Zoe have more than {name}?",
            "{other} has {b} times as many {things} as {name}, who has {a}. Zoe has {c} fewer than "
            "{other}. By how many is Zoe ahead of {name}?",
        ),
        {"a": (3, 12), "b": (3, 9), "c": (3, 30)},
        (
            ("x = a * b", "{other} has {x} {things}."),
            ("y = x - c", "Zoe has {y} {things}."),
            ("z = y - a", "Zoe has {z} {things} more than {name}."),
        ),
    ),
)
