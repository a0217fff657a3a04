"""Bug: an eighth of a point for every tag, without a limit."""

import re

TASK = "countdown"


def xml_count(completions, **kwargs):
    return [0.125 * len(re.findall(r"</?(?:think|answer)>", c)) for c in completions]
