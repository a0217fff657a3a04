"""Prompts to probe rewards on: a built-in task's own, or a handful of uploaded rows."""

from collections.abc import Sequence
from typing import Any

from rft_core.diagnosis.probes.target import ProbeCase
from rft_core.tasks import TASKS
from rft_core.tasks.probe_cases import make_cases

MATHS = [
    {"question": "A box holds 6 eggs. How many eggs are in 7 boxes?",
     "answer": "Each box holds 6 eggs, so 7 boxes hold 6 * 7 = <<6*7=42>>42 eggs.\n#### 42"},
    {"question": "Mia has 120 stickers and gives 45 away. How many are left?",
     "answer": "120 - 45 = <<120-45=75>>75 are left.\n#### 75"},
    {"question": "Three friends share 18 sweets. How many does each get?",
     "answer": "18 / 3 = <<18/3=6>>6 sweets.\n#### 6"},
    {"question": "A train runs 80 km in an hour. How far does it run in 4 hours?",
     "answer": "80 * 4 = <<80*4=320>>320 km.\n#### 320"},
    {"question": "Tom is 11 years old. How old will he be in 9 years?",
     "answer": "11 + 9 = <<11+9=20>>20 years old.\n#### 20"},
]  # fmt: skip
CHOICES = [
    {"question": "A train runs 120 km in 1.5 hours. What is its speed in km per hour?",
     "options": "a ) 60 , b ) 75 , c ) 80 , d ) 90 , e ) 180", "answer": "c",
     "rationale": "120 km in 1.5 hours is 120 / 1.5 = 80 km per hour."},
    {"question": "What is 15% of 60?", "options": "a ) 9 , b ) 6 , c ) 12 , d ) 15 , e ) 4",
     "answer": "a", "rationale": "0.15 * 60 = 9."},
    {"question": "A square has an area of 49. How long is its side?",
     "options": "a ) 6 , b ) 9 , c ) 8 , d ) 14 , e ) 7", "answer": "e",
     "rationale": "The root of 49 is 7."},
    {"question": "Twice a number is 26. What is the number?",
     "options": "a ) 12 , b ) 14 , c ) 13 , d ) 52 , e ) 11", "answer": "c",
     "rationale": "26 / 2 = 13."},
]  # fmt: skip
CAPITALS = [
    {"question": "What is the capital of France?", "answer": "Paris"},
    {"question": "What is the capital of Norway?", "answer": "Oslo"},
    {"question": "What is the capital of Peru?", "answer": "Lima"},
    {"question": "What is the capital of Portugal?", "answer": "Lisbon"},
]
TRANSLATIONS = [
    {"question": "Translate into English: Der Zug fährt um neun Uhr ab.",
     "answer": "The train leaves at nine o'clock."},
    {"question": "Translate into English: Ich habe gestern ein Buch gekauft.",
     "answer": "I bought a book yesterday."},
    {"question": "Translate into English: Die Kinder spielen im Garten hinter dem Haus.",
     "answer": "The children are playing in the garden behind the house."},
    {"question": "Translate into English: Wo ist der nächste Bahnhof?",
     "answer": "Where is the nearest station?"},
]  # fmt: skip
SYNONYMS = [
    {"question": "Which country has Rome as its capital?", "accepted": ["Italy", "Italia"]},
    {"question": "Which metal has the symbol Fe?", "accepted": ["iron", "Fe (iron)"]},
    {"question": "Which planet is nearest to the sun?", "accepted": ["Mercury"]},
]
ROWS: dict[str, Sequence[dict[str, Any]]] = {
    "word_problems": MATHS, "gsm8k": MATHS, "mathqa": CHOICES, "capitals": CAPITALS,
    "translations": TRANSLATIONS, "synonyms": SYNONYMS,
}  # fmt: skip


def list_cases(name: str, count: int = 4) -> list[ProbeCase]:
    """Cases of a built-in task, or of uploaded rows that belong to none ("capitals")."""
    task = TASKS.get(name)
    if task and task.make_rows:
        rows: Sequence[dict[str, Any]] = task.load(count, 1, 0)[0]
    else:
        rows = ROWS.get(name, [])[:count] if count > 1 else []
        rows = rows or ([dict(task.example_row)] if task else ROWS[name][:1])
    prompts = [
        task.prompt(row) if task else [{"role": "user", "content": row["question"]}] for row in rows
    ]
    return make_cases(task, rows, prompts)
