"""Stories of prices, change, wages and savings."""

from rft_core.tasks.stories.story import StoryKind

SHOPPING = (
    StoryKind(
        "change",
        (
            "{name} buys {a} {things} for {b} dollars each and pays with {c} dollars. How many "
            "dollars does {name} get back?",
            "One of the {things} costs {b} dollars. {name} takes {a} of them and had {c} dollars. "
            "How many dollars are left?",
        ),
        {"a": (3, 9), "b": (3, 12), "c": (30, 99)},
        (
            ("x = a * b", "The {things} cost {x} dollars."),
            ("y = c - x", "{name} has {y} dollars left."),
        ),
    ),
    StoryKind(
        "two purchases",
        (
            "{name} buys {a} {things} for {b} dollars each and {c} {others} for {d} dollars each. "
            "How many dollars does {name} pay?",
            "A shop sells {name} {a} {things} at {b} dollars and {c} {others} at {d} dollars. How "
            "many dollars is that in all?",
        ),
        {"a": (3, 12), "b": (3, 12), "c": (3, 12), "d": (3, 12)},
        (
            ("x = a * b", "The {things} cost {x} dollars."),
            ("y = c * d", "The {others} cost {y} dollars."),
            ("z = x + y", "Together that is {z} dollars."),
        ),
    ),
    StoryKind(
        "wage",
        (
            "{name} earns {a} dollars an hour, works for {b} hours and spends {c} dollars. How "
            "many dollars are left?",
            "{name} works {b} hours for {a} dollars an hour. Lunch costs {c} dollars. How many "
            "dollars does {name} take home?",
        ),
        {"a": (5, 12), "b": (3, 9), "c": (4, 40)},
        (
            ("x = a * b", "{name} earns {x} dollars."),
            ("y = x - c", "After that {y} dollars are left."),
        ),
    ),
    StoryKind(
        "saving",
        (
            "{name} wants a bike for {a} dollars, has {b} dollars and saves {c} dollars a week. "
            "How many weeks does it take?",
            "A bike costs {a} dollars. {name} owns {b} dollars and puts {c} dollars aside each "
            "week. After how many weeks can {name} pay?",
        ),
        {"a": (40, 99), "b": (10, 60), "c": (4, 12)},
        (
            ("x = a - b", "{x} dollars are missing."),
            ("y = x / c", "It takes {y} weeks."),
        ),
    ),
    StoryKind(
        "lower price",
        (
            "A lamp costs {a} dollars. The price falls by {b} dollars, and {name} buys {c} lamps. "
            "How many dollars does {name} pay?",
            "{name} buys {c} lamps. Each costs {b} dollars less than the usual {a} dollars. How "
            "many dollars is that?",
        ),
        {"a": (10, 30), "b": (3, 20), "c": (3, 9)},
        (
            ("x = a - b", "A lamp now costs {x} dollars."),
            ("y = x * c", "All lamps cost {y} dollars."),
        ),
    ),
    StoryKind(
        "profit",
        (
            "{name} buys {a} {things} for {b} dollars each and sells them for {c} dollars each. "
            "How many dollars does {name} gain?",
            "{a} {things} cost {name} {b} dollars each. All are sold at {c} dollars each. What is "
            "the profit in dollars?",
        ),
        {"a": (3, 12), "b": (3, 9), "c": (5, 12)},
        (
            ("x = a * b", "{name} pays {x} dollars."),
            ("y = a * c", "{name} gets {y} dollars."),
            ("z = y - x", "The gain is {z} dollars."),
        ),
    ),
    StoryKind(
        "two purchases and change",
        (
            "{name} buys {a} {things} for {b} dollars each and {c} {others} for {d} dollars each, "
            "and pays with {e} dollars. How many dollars does {name} get back?",
            "With {e} dollars {name} buys {a} {things} at {b} dollars and {c} {others} at {d} "
            "dollars. How many dollars remain?",
        ),
        {"a": (3, 8), "b": (3, 8), "c": (3, 8), "d": (3, 8), "e": (40, 99)},
        (
            ("x = a * b", "The {things} cost {x} dollars."),
            ("y = c * d", "The {others} cost {y} dollars."),
            ("z = x + y", "Together that is {z} dollars."),
            ("w = e - z", "{name} gets {w} dollars back."),
        ),
    ),
)
