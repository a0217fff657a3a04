"""Prompts: a file or hub dataset becomes a PromptSet, or one clear error.

    readers/ ─> table ─> mapping ─> template ─> split ─> prompt_set        lint watches

    table = read_table(data, "problems.csv")
    mapping = ColumnMapping(suggest_mapping(table, fields))
    template = PromptTemplate(system="", user="{{ question }}")
    prompt_set = import_table(table, name="Problems", template=template, mapping=mapping)

`sample_data` holds what the sample-data buttons load. Not here: the tokenizer's chat template and
token counts (`sampling`), storage (`store`), the built-in tasks' fields and templates (`tasks`).
"""

from rft_core.data.lint import lint_lengths, lint_prompt_tail, lint_prompts
from rft_core.data.mapping import ColumnMapping, RowField, apply_mapping, suggest_mapping
from rft_core.data.pair_set import Pair, PairSet, make_pair_set
from rft_core.data.prompt_set import PromptSet, import_table, make_prompt_set
from rft_core.data.readers.reading_process import load_hub_rows, read_table
from rft_core.data.split import Split, split_prompts
from rft_core.data.table import Table
from rft_core.data.template import PromptTemplate, length_summary
from rft_core.types import Message, Row

__all__ = [
    "ColumnMapping",
    "Message",
    "Pair",
    "PairSet",
    "PromptSet",
    "PromptTemplate",
    "Row",
    "RowField",
    "Split",
    "Table",
    "apply_mapping",
    "import_table",
    "length_summary",
    "lint_lengths",
    "lint_prompt_tail",
    "lint_prompts",
    "load_hub_rows",
    "make_pair_set",
    "make_prompt_set",
    "read_table",
    "split_prompts",
    "suggest_mapping",
]
