"""How a stage's update gets its log probabilities: prompts shared where that is proved right.

Proved on the stage's first real batch: a few of its completions are scored both ways, and where the
numbers differ (or the model is known to be of another kind, see `shared_prompt.py`) the stage reads
as TRL does, and says so once. Nothing else changes: both ways give the same update. With the
adapter off, or while it changes nothing yet, a way that forgets the adapter gives the same numbers
too: what is proved then is proved once more as soon as the policy's adapter has an effect.

Where the numbers are coarser than float32 and differ by more than rounding is known to explain, the
same rows are scored both ways with the weights in float32 for a moment, and that comparison counts:
a completion that sees what it should not differs there as much, and one that does not differs by
nothing. A refusal is dear: the plain way keeps a prompt's activations for each of its completions.

Of completions that teach nothing only the numbers are wanted, for the entropy and the clipping that
are shown: they are read without a gradient.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional
from trl.trainer.utils import split_tensor_dict

from rft_core.sampling.decoding.fusing import has_effect
from rft_core.training.ending import names_shortage
from rft_core.training.saving.adapter_files import ADAPTER_NAME, is_reference
from rft_core.training.update.shared_prompt import (
    PaddedRows,
    ValueOf,
    find_obstacle,
    get_base,
    score_completions,
)
from rft_core.training.update.token_logprobs import TokenReading

Plain = Callable[[PaddedRows], TokenReading]

COMPARED = 4  # rows of the first prompt, and as many of the last
# Natural log probabilities: of any token, in float32. Where numbers are coarser, their mean beside
# what rounding does to the plain way by itself, told by reading once more with a column of padding
# added. In bfloat16, on own completions: embedded/countdown 0.001 shared and 0.005 padded,
# SmolLM2-135M 0.040 and 0.042; with 5% of a neighbour's states mixed in 0.013 and 0.097.
MOST_APART, TIMES_ROUNDING, MOST_APART_COARSE = 1e-3, 2, 5e-2
NO_LABEL = -100  # TRL's head leaves such positions out
MOST_WIDENED = 2**31  # bytes that the weights may take in float32, beside those that there are

logger = logging.getLogger(__name__)


class PromptSharing:
    """For one stage. `tell` is given the reason if prompts are not shared, once.

    `forbidden`: a reason not to share that is known beforehand. `value_of`: what reads values, if
    the method has one: they are compared as the log probabilities are. `entropies_pull`: the loss
    has a term of the entropies.
    """

    def __init__(
        self,
        temperature: float,
        tell: Callable[[str], None],
        forbidden: str = "",
        value_of: ValueOf | None = None,
        *,
        entropies_pull: bool = False,
    ) -> None:
        self._temperature, self._tell, self._forbidden = temperature, tell, forbidden
        self._value_of, self._entropies_pull = value_of, entropies_pull
        self._verdict: str | None = None  # why not; empty: it works; None: not tried yet
        self._is_settled = False  # else it was not tried yet with an adapter that has an effect

    def works_for(self, model: Any, rows: PaddedRows, plain: Plain) -> bool:
        """`plain` scores rows in the way that is known to be right.

        Nothing is learned from a batch without a token (all of it cut off and masked).
        """
        if not bool(rows.completion_mask.any()):
            return False
        if not self._is_settled:
            shows_all = bool(self._forbidden) or _shows_the_adapter(model)
            if shows_all or self._verdict is None:
                self._verdict = self._forbidden or self._try(model, rows, plain)
            if self._verdict:
                self._tell(f"The update reads prompts anew for each completion: {self._verdict}")
            self._is_settled = shows_all or bool(self._verdict)
        return not self._verdict

    def _try(self, model: Any, rows: PaddedRows, plain: Plain) -> str:
        try:
            if obstacle := find_obstacle(model):
                return obstacle
            some = _pick_some(rows)
            with torch.no_grad():
                verdict = _compare(self._read(model, some), plain, some, get_base(model).dtype)
                if verdict and _can_be_widened(model):
                    with _in_float32(model):
                        shared, fine = self._read(model, some), _read_in_float32(model, some)
                    verdict = _compare(shared, lambda _: fine, some, torch.float32)
                return verdict
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            if isinstance(error, torch.OutOfMemoryError) or names_shortage(str(error)):
                raise  # the other way would need more still
            logger.warning("prompts cannot be shared", exc_info=error)
            return f"the model cannot go on from a prompt ({type(error).__name__})"

    def score(
        self,
        model: Any,
        rows: PaddedRows,
        *,
        rows_at_once: int | None = None,
        teaches: torch.Tensor | None = None,
    ) -> TokenReading:
        """As `score_completions`. `teaches` [rows]: whose log probabilities need a gradient."""
        if teaches is not None and torch.is_grad_enabled():
            if not bool(teaches.any()):  # the update still wants a gradient, be it of zeros
                teaches = torch.zeros_like(teaches)
                teaches[rows.completion_mask.sum(dim=1).argmin()] = True
            if not bool(teaches.all()):
                return self._score_apart(model, rows, teaches)
        size = rows_at_once or len(rows.ids)
        return _join(
            [
                self._read(model, rows.take(slice(start, start + size)))
                for start in range(0, len(rows.ids), size)
            ]
        )

    def _score_apart(self, model: Any, rows: PaddedRows, teaches: torch.Tensor) -> TokenReading:
        """`teaches`: some rows, and not all."""
        with torch.no_grad():
            others = self._read(model, rows.take(~teaches))
        taught = self._read(model, rows.take(teaches))
        back = torch.cat([(~teaches).nonzero(), teaches.nonzero()])[:, 0].argsort()
        return _join([others, taught], back)

    def _read(self, model: Any, rows: PaddedRows) -> TokenReading:
        return score_completions(
            model, rows, self._temperature, self._value_of, entropies_pull=self._entropies_pull
        )


def put_groups_together(batches: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same rows in as many batches, each prompt's side by side: TRL has shuffled them.

    A step adds up the gradients of its batches, so which row is in which matters only to a loss
    that depends on what else is in its batch (see `Rollouts`).
    """
    prompts = torch.cat([torch.cat([b["prompt_ids"], b["prompt_mask"]], dim=1) for b in batches])
    order = torch.unique(prompts, dim=0, return_inverse=True)[1].argsort(stable=True)

    def join(name: str) -> Any:
        values = [batch[name] for batch in batches]
        if isinstance(values[0], torch.Tensor) and values[0].ndim > 0:
            return torch.cat(values)[order]
        return values[0]

    joined: dict[str, Any] = {name: join(name) for name in batches[0]}
    return split_tensor_dict(joined, len(batches))


def _join(parts: Sequence[TokenReading], order: torch.Tensor | slice = slice(None)) -> TokenReading:
    """The scores of all rows, put in order."""
    columns = (column for column in zip(*parts, strict=True) if column[0] is not None)
    return TokenReading(*(torch.cat(column)[order] for column in columns))


def _pick_some(rows: PaddedRows) -> PaddedRows:
    """Of two prompts where there are two, so that padding is seen as well; rows with tokens."""
    rows = rows.take(rows.completion_mask.any(dim=1))
    order = rows.find_prompts()[1].argsort(stable=True)
    return rows.take(torch.cat([order[:COMPARED], order[COMPARED:][-COMPARED:]]))


def _shows_the_adapter(model: Any) -> bool:
    """Whether it answers as the policy now, and that is another model than its base."""
    return not is_reference(model) and has_effect(model, ADAPTER_NAME)


def _list_coarse(model: Any) -> list[torch.nn.Parameter]:
    return [weight for weight in model.parameters() if weight.dtype != torch.float32]


def _can_be_widened(model: Any) -> bool:
    """Coarse, not quantised, and small enough to be in memory twice."""
    coarse = _list_coarse(model)
    size = 4 * sum(weight.numel() for weight in coarse)
    return all(weight.is_floating_point() for weight in coarse) and 0 < size <= MOST_WIDENED


@contextmanager
def _in_float32(model: Any) -> Iterator[None]:
    """The model with its weights in float32 and without autocast. Afterwards it is as it was."""
    coarse = [(weight, weight.data) for weight in _list_coarse(model)]
    try:
        for weight, data in coarse:
            weight.data = data.float()
        with torch.autocast(coarse[0][1].device.type, enabled=False):
            yield
    finally:
        for weight, data in coarse:
            weight.data = data


def _read_in_float32(model: Any, rows: PaddedRows) -> TokenReading:
    """TRL's own pass, but by the model inside what casts for the policy."""
    labels = rows.ids.masked_fill(rows.mask == 0, NO_LABEL)
    labels[:, : rows.start] = NO_LABEL
    scored = get_base(model)(
        input_ids=rows.ids, attention_mask=rows.mask, labels=labels, fused_lm_head=True
    )
    columns = rows.completion_mask.shape[1]
    return TokenReading(scored.log_probs[:, -columns:], scored.entropy[:, -columns:])


def _compare(shared: TokenReading, plain: Plain, rows: PaddedRows, dtype: torch.dtype) -> str:
    right, is_token = plain(rows), rows.completion_mask.bool()
    apart = _find_distances(shared, right, is_token)
    if dtype == torch.float32 and not torch.is_autocast_enabled(apart.device.type):
        distance, most = float(apart.max()), MOST_APART
    else:
        distance, most = float(apart.mean()), MOST_APART
        if distance > most:
            rounding = float(_find_distances(plain(_pad(rows)), right, is_token).mean())
            most = min(max(most, TIMES_ROUNDING * rounding), MOST_APART_COARSE)
    if distance <= most:  # nor are they alike where they are not numbers
        return ""
    what = "log probabilities" if right.values is None else "log probabilities and values"
    return f"shared, its {what} differ by {distance:.2g}, more than {most:.2g}"


def _find_distances(one: TokenReading, other: TokenReading, is_token: torch.Tensor) -> torch.Tensor:
    """Of each token's log probability, and of each value where both have them."""
    apart = [(one.logprobs - other.logprobs)[is_token]]
    if one.values is not None and other.values is not None:
        apart.append((one.values - other.values)[is_token])
    return torch.cat(apart).abs()


def _pad(rows: PaddedRows) -> PaddedRows:
    """The same rows with a column more on their left."""
    ids, mask = (functional.pad(both, (1, 0)) for both in (rows.ids, rows.mask))
    return PaddedRows(ids, mask, rows.start + 1)
