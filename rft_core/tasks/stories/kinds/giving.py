"""Stories of having, giving, sharing and packing."""

from rft_core.tasks.stories.story import StoryKind

GIVING = (
    StoryKind(
        "gift received",
        (
            "{name} has {a} {things}. {other} gives {name} {b} more. How many {things} does {name} "
            "have now?",
            "{name} finds {b} {things} and already had {a}. How many {things} is that in all?",
        ),
        {"a": (5, 70), "b": (3, 60)},
        (("x = a + b", "{name} has {x} {things}."),),
    ),
    StoryKind(
        "gift given",
        (
            "{name} has {a} {things} and gives {b} of them to {other}. How many {things} are left?",
            "{name} had {a} {things}. Then {b} of them were lost. How many {things} does {name} "
            "still have?",
        ),
        {"a": (20, 99), "b": (3, 60)},
        (("x = a - b", "{x} {things} are left."),),
    ),
    StoryKind(
        "full boxes",
        (
            "There are {a} {things} in each box. How many {things} are in {b} boxes?",
            "{name} fills {b} boxes with {a} {things} each. How many {things} is that?",
        ),
        {"a": (3, 12), "b": (3, 12)},
        (("x = a * b", "The boxes hold {x} {things}."),),
    ),
    StoryKind(
        "equal shares",
        (
            "{name} shares {a} {things} equally among {b} friends. How many {things} does each "
            "friend get?",
            "{a} {things} are put into {b} bags, the same number into each. How many {things} are "
            "in a bag?",
        ),
        {"a": (10, 99), "b": (3, 12)},
        (("x = a / b", "Each gets {x} {things}."),),
    ),
    StoryKind(
        "shared harvest",
        (
            "{name} has {a} {things} and {other} has {b}. They share all of them equally among {c} "
            "friends. How many {things} does each friend get?",
            "{name} brings {a} {things}, {other} brings {b}, and {c} children share them equally. "
            "How many {things} are there for each child?",
        ),
        {"a": (8, 60), "b": (8, 60), "c": (3, 9)},
        (
            ("x = a + b", "Together they have {x} {things}."),
            ("y = x / c", "Each gets {y} {things}."),
        ),
    ),
    StoryKind(
        "packed after eating",
        (
            "{name} bakes {a} cookies, eats {b} of them and packs the rest into bags of {c}. How "
            "many bags does {name} fill?",
            "Of {a} cookies {b} are broken. {name} packs the others, {c} into a bag. How many bags "
            "are there?",
        ),
        {"a": (20, 99), "b": (3, 30), "c": (3, 9)},
        (
            ("x = a - b", "{x} cookies are packed."),
            ("y = x / c", "They fill {y} bags."),
        ),
    ),
    StoryKind(
        "given from boxes",
        (
            "{name} has {a} boxes with {b} {things} each and gives away {c} {things}. How many "
            "{things} are left?",
            "{name} buys {a} packs of {b} {things} and loses {c} {things}. How many {things} does "
            "{name} have?",
        ),
        {"a": (3, 12), "b": (3, 12), "c": (5, 60)},
        (
            ("x = a * b", "{name} had {x} {things}."),
            ("y = x - c", "Now there are {y} {things}."),
        ),
    ),
    StoryKind(
        "half given away",
        (
            "{name} has {a} {things}, gives half of them to {other} and then finds {b} more. How "
            "many {things} does {name} have now?",
            "{name} loses half of {a} {things}. Later {name} gets {b} new ones. How many {things} "
            "does {name} have?",
        ),
        {"a": (10, 98), "b": (3, 40)},
        (
            ("x = a / 2", "{name} keeps {x} {things}."),
            ("y = x + b", "In the end there are {y} {things}."),
        ),
    ),
    StoryKind(
        "rows sold and shared",
        (
            "{name} picks {a} baskets of {b} {things}, sells {c} {things} and shares the rest "
            "equally among {d} friends. How many {things} does each friend get?",
            "From {a} trays of {b} {things} {name} takes {c} away. The others go to {d} children "
            "in equal parts. How many {things} does each child get?",
        ),
        {"a": (3, 12), "b": (3, 12), "c": (5, 60), "d": (3, 9)},
        (
            ("x = a * b", "At first there are {x} {things}."),
            ("y = x - c", "{y} {things} remain."),
            ("z = y / d", "Each gets {z} {things}."),
        ),
    ),
)
