"""The row of a method that this project does not have, light enough for a command to import."""

from rft_core.config import Method
from rft_core.config.methods import EXAMPLE_LOSS, MetricPanel

ROW = Method(
    "parrot",
    "Parrot",
    "Repeats what it is told.",
    "examples",
    frozenset({"gold"}),
    "parrot_method:make_trainer",
    (EXAMPLE_LOSS, MetricPanel("squawks", "Squawks", "How often it squawks.")),
    (),
)
