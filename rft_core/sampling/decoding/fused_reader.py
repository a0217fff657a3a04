"""The tight loop: a Llama- or Qwen-shaped model as bare products over a preallocated cache.

One token of a small model costs more in calls than in arithmetic, so this makes few: a layer's
queries, keys and values are one product, gate and up another (`fusing.py` joins the weights and
adds the adapter); keys and values are written into tensors that grow by blocks; query heads that
share a key head stand as so many positions of one query, so that no key is copied for them; a
prompt is read once for its whole group. No module of the model is called, and nothing about it is
looked up, between two tokens. The logits are transformers' own up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody calls it

from rft_core.sampling.decoding.loop import SampledRow, pad_left

BLOCK = 64  # columns by which the cache grows
Linear = tuple[torch.Tensor, torch.Tensor | None]  # weight [out, in], bias [out]


@dataclass(frozen=True)
class Product:
    """Linear layers of one input, side by side: x Wᵀ + b, and with an adapter beside + (x Aᵀ) Bᵀ.

    `down` is A [r, in], `up` is B [out, r] times the adapter's scaling; both None where the adapter
    is in the weights, or there is none.
    """

    parts: tuple[Linear, ...]
    down: torch.Tensor | None = None
    up: torch.Tensor | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        y = F.linear(x, *self.parts[0])
        if len(self.parts) > 1:
            y = torch.cat([y, *(F.linear(x, *part) for part in self.parts[1:])], dim=-1)
        if self.down is not None and self.up is not None:
            y = (y + F.linear(F.linear(x.to(self.down.dtype), self.down), self.up)).to(y.dtype)
        return y


@dataclass(frozen=True)
class Norm:
    """x / sqrt(mean x² + epsilon) · weight, as x / sqrt(|x|² + `floor`²) · `scale`: fewer calls.

    `scale` is the weight times the root of its size, `floor` the root of size times epsilon.
    """

    scale: torch.Tensor
    floor: torch.Tensor

    @classmethod
    def of(cls, weight: torch.Tensor, epsilon: float) -> Norm:
        root = weight.shape[0] ** 0.5
        return cls(weight.float() * root, weight.new_tensor(root * epsilon**0.5).float())

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        wide = x.float()
        length = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
        return (wide / torch.hypot(length, self.floor) * self.scale).to(x.dtype)


@dataclass(frozen=True)
class FusedLayer:
    """The weights of one decoder layer, in the order in which they are used."""

    input_norm: Norm
    qkv: Product
    query_norm: Norm | None  # Qwen3's, over each head
    key_norm: Norm | None
    out: Product
    mlp_norm: Norm
    gate_up: Product
    down: Product


@dataclass(frozen=True)
class FusedModel:
    """All weights of one model with one adapter. `copied_bytes` of them are its own.

    `rotate`: the model's cosines and sines [1, positions, head size], as it takes them from a
    tensor of its type and from positions [1, positions].
    """

    embedding: torch.Tensor
    layers: tuple[FusedLayer, ...]
    norm: Norm
    head: Product
    rotate: Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
    heads: int
    key_heads: int
    head_size: int
    copied_bytes: int


class FusedReader:
    """One batch of rows and its cache: keys and values [rows, key heads, columns, head size].

    `_rows` and `_columns` of it are in use: the same columns in all rows, as prompts are padded on
    the left.
    """

    def __init__(self, model: FusedModel) -> None:
        self._model = model
        self.device = model.embedding.device
        self._cache: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._rows = self._columns = 0

    def read_prompts(self, rows: Sequence[SampledRow]) -> torch.Tensor:
        distinct = list(dict.fromkeys(row.prompt for row in rows))
        tokens, visible = pad_left(distinct)
        seen = torch.tensor(visible, device=self.device)
        self._rows, width = seen.shape
        self._make_room(width)
        positions = (seen.long().cumsum(dim=1) - 1).clamp(min=0)
        past = torch.ones(width, width, dtype=torch.bool, device=self.device).tril()
        # A padded column sees itself, or it would be an average of nothing.
        mask = (past & seen[:, None]) | torch.eye(width, dtype=torch.bool, device=self.device)
        ids = torch.tensor(tokens, device=self.device)
        logits = self._read(ids, positions, self._make_mask(mask[:, None]))
        place = {prompt: at for at, prompt in enumerate(distinct)}
        places = torch.tensor([place[row.prompt] for row in rows], device=self.device)
        self._cache = [(keys[places], values[places]) for keys, values in self._cache]
        self._rows, self._positions = len(rows), positions[places, -1:]
        is_padded = not all(map(all, visible))
        self._mask = self._make_mask(seen[places][:, None, None]) if is_padded else None
        return logits[places]

    def keep(self, places: torch.Tensor) -> None:
        self._rows = len(places)
        moved = (places != torch.arange(self._rows, device=self.device)).nonzero()[:, 0]
        for cache in (tensor for layer in self._cache for tensor in layer):
            used = cache[:, :, : self._columns]
            used[moved] = used[places[moved]]
        self._cache = [(keys[: self._rows], values[: self._rows]) for keys, values in self._cache]
        self._positions = self._positions[places]
        self._mask = None if self._mask is None else self._mask[places]

    def read_tokens(self, tokens: torch.Tensor) -> torch.Tensor:
        self._make_room(1)
        self._positions = self._positions + 1
        self._mask = None if self._mask is None else F.pad(self._mask, (0, 1))
        return self._read(tokens[:, None], self._positions, self._mask)

    def _make_room(self, columns: int) -> None:
        model = self._model
        if not self._cache:
            empty = model.embedding.new_empty(self._rows, model.key_heads, 0, model.head_size)
            self._cache = [(empty, empty)] * len(model.layers)
        capacity = self._cache[0][0].shape[2]
        missing = self._columns + columns - capacity
        if missing > 0:
            more = -(-missing // BLOCK) * BLOCK
            self._cache = [(_grow(keys, more), _grow(values, more)) for keys, values in self._cache]
            self._rotations = self._make_rotations(capacity + more)

    def _make_rotations(self, positions: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and sines [positions, head size] with which x cos + (x's halves swapped) sin."""
        model, places = self._model, torch.arange(positions, device=self.device)[None]
        cos, sin = (x[0] for x in model.rotate(model.embedding, places))
        half = model.head_size // 2
        return cos, torch.cat([-sin[:, :half], sin[:, half:]], dim=-1)

    def _make_mask(self, seen: torch.Tensor) -> torch.Tensor:
        """What is added to the scores: nothing where a column may look, else minus infinity."""
        mask = self._model.embedding.new_zeros(seen.shape)
        return mask.masked_fill(~seen, -torch.inf)

    def _read(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Logits of the last column, from ids and positions [rows, columns], which are remembered.

        `mask` [rows, 1, columns, all columns so far] is added to the scores.
        """
        model = self._model
        start, width = self._columns, ids.shape[1]
        self._columns = start + width
        cos, sin = (table[positions][:, :, None] for table in self._rotations)
        x = F.embedding(ids, model.embedding)
        for layer, (keys, values) in zip(model.layers, self._cache, strict=True):
            qkv = layer.qkv(layer.input_norm(x)).view(*ids.shape, -1, model.head_size)
            turning, value = qkv.tensor_split((-model.key_heads,), dim=2)
            turned = self._turn(turning, layer, cos, sin).transpose(1, 2)
            query, key = turned.tensor_split((model.heads,), dim=1)
            keys.narrow(2, start, width).copy_(key)
            values.narrow(2, start, width).copy_(value.transpose(1, 2))
            seen = keys.narrow(2, 0, self._columns), values.narrow(2, 0, self._columns)
            x = x + layer.out(self._attend(query, *seen, mask))
            gate, up = layer.gate_up(layer.mlp_norm(x)).chunk(2, dim=-1)
            x = x + layer.down(F.silu(gate) * up)
        return model.head(model.norm(x[:, -1]))

    def _turn(
        self, heads: torch.Tensor, layer: FusedLayer, cos: torch.Tensor, sin: torch.Tensor
    ) -> torch.Tensor:
        """Rotary positions of queries and keys [rows, columns, heads + key heads, head size]."""
        if layer.query_norm is not None and layer.key_norm is not None:
            queries, keys = heads[:, :, : self._model.heads], heads[:, :, self._model.heads :]
            normed = layer.query_norm(queries), layer.key_norm(keys)
            heads = torch.cat(normed, dim=2)
        return torch.addcmul(heads * cos, heads.roll(self._model.head_size // 2, -1), sin)

    def _attend(
        self,
        queries: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        mask: torch.Tensor | None,
    ) -> torch.Tensor:
        """[rows, columns, heads x head size] from queries [rows, heads, columns, head size]."""
        model = self._model
        rows, _, columns, _ = queries.shape
        if columns == 1:
            grouped = queries.reshape(rows, model.key_heads, -1, model.head_size)
            attended = F.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask)
            return attended.reshape(rows, 1, -1)
        share = model.heads // model.key_heads
        keys, values = (x.repeat_interleave(share, dim=1) for x in (keys, values))
        attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        return attended.transpose(1, 2).reshape(rows, columns, -1)


def _grow(cache: torch.Tensor, columns: int) -> torch.Tensor:
    return F.pad(cache, (0, 0, 0, columns))
