"""Every sort of story, by name: tables of questions, ranges of numbers and plans."""

from __future__ import annotations

from rft_core.tasks.stories.kinds.comparing import COMPARING
from rft_core.tasks.stories.kinds.giving import GIVING
from rft_core.tasks.stories.kinds.journeys import JOURNEYS
from rft_core.tasks.stories.kinds.shopping import SHOPPING
from rft_core.tasks.stories.story import StoryKind

KINDS: dict[str, StoryKind] = {
    kind.name: kind for kind in (*GIVING, *SHOPPING, *COMPARING, *JOURNEYS)
}
