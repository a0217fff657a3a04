"""JSON output: read a short notice, and write what it says as JSON of a given schema.

Rows are drawn from a seed. The name in a notice alone decides whether a row is for training,
validation or the held-out test. Two rewards: `format` for the schema (with partial credit, so that
there is something to climb) and `correctness` for what the notice says.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from rft_core.data.mapping import RowField
from rft_core.data.template import PromptTemplate
from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.tasks.cheats import json_cheats
from rft_core.tasks.splits import choose_split
from rft_core.tasks.task import Rows, Task
from rft_core.types import Row

FIRST_NAMES = (
    "Ada", "Alan", "Ben", "Carla", "Dora", "Emil", "Fatima", "Grace", "Hugo", "Ines", "Jonas",
    "Karim", "Lena", "Mateo", "Nadia", "Omar", "Petra", "Quinn", "Rosa", "Samir", "Tara", "Ugo",
    "Vera", "Wim", "Xenia", "Yara", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Adler", "Berg", "Costa", "Diaz", "Eriksen", "Fox", "Greco", "Haas", "Ito", "Jensen", "Khan",
    "Lopez", "Meyer", "Novak",
)  # fmt: skip
CITIES = (
    "Athens", "Bergen", "Cairo", "Delhi", "Essen", "Fukuoka", "Genoa", "Hanoi", "Izmir",
    "Jakarta", "Kyoto", "Lima",
)  # fmt: skip
SUBJECTS = ["algebra", "biology", "chess", "drawing", "English", "French", "geometry", "history"]
NOTICES = (
    "{name}, {age}, from {city} teaches {first} and {second}.",
    "Our new teacher of {first} and {second} is {name} ({age} years old), who lives in {city}.",
    "In {city} you find {name}. Aged {age}, {name} gives lessons in {first} and also in {second}.",
)
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "city": {"type": "string"},
        "subjects": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "age", "city", "subjects"],
    "additionalProperties": False,
}
USER_TEMPLATE = (
    "{{ text }}\nWrite this as JSON that fits the schema {{ schema }}. Subjects are in the order "
    "of the text. Return the JSON alone in <answer> </answer> tags."
)


def make_rows(split: str, count: int, seed: int) -> Rows:
    """`count` different notices, all of one split."""
    names = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
    names = [name for name in names if bucket(name) == split]
    most = len(names) * len(CITIES) * len(NOTICES)
    if count > most:
        raise BadInputError(
            f"There are at most {most:,} notices of this split", "", "Ask for fewer"
        )
    rng = random.Random(f"json_output {split} {seed}")
    places = [(n, city, text) for n in names for city in CITIES for text in NOTICES]
    return [_make_row(rng, *place) for place in rng.sample(places, count)]


def bucket(name: str) -> str:
    """The split to which notices about this person belong: one in eight is not for training."""
    return choose_split(name)


def write_gold(row: Row) -> str | None:
    return f"<answer>{json.dumps(row['answer'])}</answer>"


def _make_row(rng: random.Random, name: str, city: str, notice: str) -> dict[str, Any]:
    first, second = rng.sample(SUBJECTS, 2)
    age = rng.randint(21, 70)
    text = notice.format(name=name, age=age, city=city, first=first, second=second)
    answer = {"name": name, "age": age, "city": city, "subjects": [first, second]}
    return {"text": text, "schema": json.dumps(SCHEMA), "answer": answer}


JSON_OUTPUT = Task(
    name="json_output",
    title="JSON output",
    description="Read a short notice and write it as JSON that fits a schema.",
    fields=(RowField("text", "text"), RowField("schema", "text"), RowField("answer", "object")),
    template=PromptTemplate(system="", user=USER_TEMPLATE),
    reward_set=RewardSet(
        (
            RewardEntry("format", "schema", options={"partial": True}),
            RewardEntry("correctness", "json_match", options={"partial": True}, only_if="format"),
        ),
        "json output",
        truth=("correctness",),
    ),
    example_row=_make_row(random.Random(0), "Ada Berg", "Lima", NOTICES[0]),
    write_gold=write_gold,
    cheats=json_cheats,
    make_rows=make_rows,
)
