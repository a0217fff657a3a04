"""PromptSet: identity by content, and a faithful journey through JSON."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rft_core.data import (
    ColumnMapping,
    PromptSet,
    PromptTemplate,
    RowField,
    Split,
    import_table,
    make_prompt_set,
    read_table,
)
from rft_core.data.sample_data import load_sample
from rft_core.errors import BadInputError

FIELDS = (RowField("nums", "integers"), RowField("target", "integer"))
TEMPLATE = PromptTemplate("Be brief.", "Use {{ nums }} to make {{ target }}.")
MAPPING = ColumnMapping({"nums": "nums", "target": "target"})


def build(**changes) -> PromptSet:
    options = {"name": "Sample", "template": TEMPLATE, "mapping": MAPPING, "fields": FIELDS}
    return import_table(load_sample("countdown"), **(options | changes))


def test_ten_rows_are_enough():
    source = load_sample("countdown")
    small = import_table(
        replace(source, rows=source.rows[:10]), name="Ten", template=TEMPLATE, mapping=MAPPING
    )
    assert (len(small.train_rows), len(small.validation_rows)) == (8, 2)


def test_the_id_depends_on_the_content_and_on_nothing_else():
    base = build()
    assert len(base.id) == 16
    assert build(name="Other", now=datetime(2020, 1, 1, tzinfo=UTC)).id == base.id
    different = [
        build(template=PromptTemplate("", TEMPLATE.user)),
        build(mapping=replace(MAPPING, keep_unmapped=False)),
        build(seed=1),
        build(validation=5),
        build(task="countdown"),
    ]
    assert len({base.id, *(other.id for other in different)}) == 6


def test_the_journey_through_json_loses_nothing():
    original = build(task="countdown")
    assert PromptSet.from_json(original.to_json()) == original
    assert pickle.loads(pickle.dumps(original)).prompts() == original.prompts()


def test_rendering_does_not_change_what_is_stored():
    original = build()
    before = original.to_json()
    original.prompts()
    assert original.to_json() == before


@pytest.mark.parametrize("damage", ["{", "[]", "{}", None])
def test_damaged_json_is_refused(damage):
    if damage is None:
        data = json.loads(build().to_json())
        data["rows"][0]["target"] += 1
        damage = json.dumps(data)
    with pytest.raises(BadInputError, match="stored prompt set is damaged"):
        PromptSet.from_json(damage)


def test_prompts_are_the_messages_of_the_chosen_rows():
    prompt_set = build()
    assert len(prompt_set.prompts()) == len(prompt_set.rows)
    (messages,) = prompt_set.prompts([{"nums": [15, 74, 9], "target": 50}])
    assert messages[-1]["content"] == "Use [15, 74, 9] to make 50."


def test_a_template_that_fails_on_one_row_names_the_row():
    table = read_table(b"a,b\n1,2\n1,0\n", "x.csv")
    with pytest.raises(BadInputError, match="Row 2: The user template failed in line 1"):
        import_table(
            table, name="x", template=PromptTemplate("", "{{ a / b }}"), mapping=ColumnMapping({})
        )


def test_a_task_can_bring_its_own_rows_and_split():
    rows = [{"nums": [1, 2, 3], "target": 6}, {"nums": [1, 2, 4], "target": 7}]
    made = make_prompt_set(
        rows, name="Built in", template=TEMPLATE, split=Split((0,), (1,), 0), task="countdown"
    )
    assert made.validation_rows == (rows[1],)
    assert PromptSet.from_json(made.to_json()) == made


def test_importing_prompts_loads_no_heavy_library():
    code = (
        "import sys, rft_core.data\n"
        "print([m for m in ('torch','transformers','datasets','pyarrow','pandas','sqlite3') "
        "if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
