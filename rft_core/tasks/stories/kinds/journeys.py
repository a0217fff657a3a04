"""Stories of distances, rates and days."""

from rft_core.tasks.stories.story import StoryKind

JOURNEYS = (
    StoryKind(
        "walk",
        (
            "{name} walks {a} km a day for {b} days and then {c} km more. How many km is that?",
            "On each of {b} days {name} walks {a} km, and on the last day {c} km. How many km does "
            "{name} walk?",
        ),
        {"a": (3, 12), "b": (3, 9), "c": (4, 40)},
        (
            ("x = a * b", "In these days {name} walks {x} km."),
            ("y = x + c", "In all that is {y} km."),
        ),
    ),
    StoryKind(
        "machine",
        (
            "A machine makes {a} {things} in {b} hours. How many {things} does it make in {c} "
            "hours?",
            "In {b} hours {name} paints {a} {things}. How many {things} can {name} paint in {c} "
            "hours?",
        ),
        {"a": (10, 96), "b": (3, 9), "c": (3, 12)},
        (
            ("x = a / b", "In one hour that is {x} {things}."),
            ("y = x * c", "In all hours that is {y} {things}."),
        ),
    ),
    StoryKind(
        "pages left",
        (
            "A book has {a} pages. {name} reads {b} pages a day for {c} days. How many pages are "
            "left?",
            "{name} reads {b} pages on each of {c} days. The book has {a} pages. How many pages "
            "are still unread?",
        ),
        {"a": (40, 99), "b": (4, 12), "c": (3, 9)},
        (
            ("x = b * c", "{name} reads {x} pages."),
            ("y = a - x", "{y} pages are left."),
        ),
    ),
    StoryKind(
        "morning and evening",
        (
            "Every day {name} reads {a} pages in the morning and {b} in the evening. How many "
            "pages is that in {c} days?",
            "{name} runs {a} km in the morning and {b} km in the evening, {c} days long. How many "
            "km is that?",
        ),
        {"a": (3, 12), "b": (3, 12), "c": (3, 7)},
        (
            ("x = a + b", "In one day that is {x}."),
            ("y = x * c", "In all days that is {y}."),
        ),
    ),
    StoryKind(
        "fence",
        (
            "A garden is {a} m long and {b} m wide. How many m of fence go around it?",
            "{name} walks once around a field, {a} m long and {b} m wide. How many m is that?",
        ),
        {"a": (6, 40), "b": (4, 30)},
        (
            ("x = a + b", "One long and one short side are {x} m."),
            ("y = x * 2", "All sides together are {y} m."),
        ),
    ),
    StoryKind(
        "two speeds",
        (
            "{name} drives {a} km an hour for {b} hours and {c} km an hour for {d} hours. How many "
            "km is that?",
            "For {b} hours {name} makes {a} km an hour, then for {d} hours {c} km an hour. How far "
            "is that in km?",
        ),
        {"a": (5, 12), "b": (3, 8), "c": (5, 12), "d": (3, 8)},
        (
            ("x = a * b", "The first part is {x} km."),
            ("y = c * d", "The second part is {y} km."),
            ("z = x + y", "Together that is {z} km."),
        ),
    ),
    StoryKind(
        "three days",
        (
            "{name} runs {a} km on Monday, twice as far on Tuesday, and on Wednesday {b} km less "
            "than on Tuesday. How many km is that in all?",
            "On Monday {name} cycles {a} km. Tuesday is twice as long, Wednesday {b} km shorter "
            "than Tuesday. How many km does {name} cycle?",
        ),
        {"a": (6, 30), "b": (3, 20)},
        (
            ("x = a * 2", "On Tuesday it is {x} km."),
            ("y = x - b", "On Wednesday it is {y} km."),
            ("z = a + x", "The first two days make {z} km."),
            ("w = z + y", "All three make {w} km."),
        ),
    ),
)
