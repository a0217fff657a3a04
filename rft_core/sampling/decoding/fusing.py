"""Taking a model apart for the tight loop: which shapes it knows, and an adapter's place in them.

The model's own weights are never written to. In float32 an adapter is added into the copies of the
weights, W + s B A; in 16 bits the sum would be rounded and the policy would be another one, so
there A and B stay beside W, as PEFT has them. Weights too many to copy are read where they are:
products as large as theirs gain nothing from being joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import Linear as LoraLinear
from peft.utils.other import AuxiliaryTrainingWrapper
from torch import nn

from rft_core.sampling.adapters import BASE
from rft_core.sampling.decoding.fused_reader import FusedLayer, FusedModel, Linear, Norm, Product
from rft_core.sampling.settings import MOST_COPIED

KNOWN = ("llama", "qwen2", "qwen3")
FIXED_ROTATIONS = ("default", "linear", "llama3", "yarn")  # the others depend on the length


class CannotFuseError(Exception):
    """Why the tight loop is not for this model or adapter; the ordinary loop is."""


def fuse(model: Any, adapter: str | None) -> FusedModel:
    """The weights of a causal language model, bare or with PEFT, with one adapter.

    `adapter`: its name; BASE: none; None: as things stand. Raises CannotFuseError.
    """
    name = resolve(model, adapter)
    if name is not None:
        _require_plain_lora(model.peft_config[name])
    base: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    _require_known(base)
    body, config = base.model, base.config
    layers = body.layers[: config.num_hidden_layers]
    join = _Joining(name, copies=_count_bytes(layers) <= MOST_COPIED)
    return FusedModel(
        embedding=body.embed_tokens.weight.data,
        layers=tuple(_fuse_layer(layer, join) for layer in layers),
        norm=_norm(body.norm),
        head=join(base.lm_head),
        rotate=body.rotary_emb,
        heads=config.num_attention_heads,
        key_heads=config.num_key_value_heads,
        head_size=layers[0].self_attn.head_dim,
        copied_bytes=join.copied_bytes,
    )


def has_effect(model: Any, adapter: str | None) -> bool:
    """Whether this adapter changes anything: a fresh one, whose B are zero, does not."""
    name = resolve(model, adapter)
    adapted = (layer for layer in _lora_layers(model) if name in set(layer.lora_B))
    return name is None or any(bool(layer.lora_B[name].weight.any()) for layer in adapted)


def resolve(model: Any, adapter: str | None) -> str | None:
    """The one adapter that is meant; None where there is none."""
    if not isinstance(model, PeftModel) or adapter == BASE:
        return None
    layers = _lora_layers(model)
    if any(layer.merged for layer in layers):
        raise CannotFuseError("an adapter is merged into the weights")
    if adapter is None:
        used = [layer for layer in layers if not layer.disable_adapters]
        active = {name for layer in used for name in layer.active_adapters}
        if len(active) > 1:
            raise CannotFuseError("several adapters are active at once")
        adapter = next(iter(active), None)
    return adapter


def _lora_layers(model: Any) -> list[Any]:
    return [layer for layer in model.modules() if isinstance(layer, LoraLinear)]


def _require_plain_lora(config: Any) -> None:
    """Nothing but W + s B A on linear layers; what stands on the layers, `_Joining` sees."""
    special = (
        "modules_to_save", "target_parameters", "trainable_token_indices", "use_dora",
        "lora_bias", "alora_invocation_tokens", "use_qalora",
    )  # fmt: skip
    found = [name for name in special if getattr(config, name, None)]
    if found or config.peft_type != "LORA" or config.bias != "none":
        raise CannotFuseError(f"the adapter is more than LoRA ({', '.join(found) or config.bias})")


def _require_known(base: Any) -> None:
    """By name: classes with the same parts may still put them together in another way."""
    kind = getattr(base.config, "model_type", "")
    module = f"transformers.models.{kind}.modeling_{kind}"
    if kind not in KNOWN or type(base).__module__ != module:
        raise CannotFuseError(f"{type(base).__name__} is not among the shapes it knows")
    if any(isinstance(module, AuxiliaryTrainingWrapper) for module in base.modules()):
        raise CannotFuseError("whole layers of it are trained beside an adapter")
    config = base.config
    rotation = {
        "rope_type": "default",
        "partial_rotary_factor": 1,
        **(config.rope_parameters or {}),
    }
    if rotation["rope_type"] not in FIXED_ROTATIONS or rotation["partial_rotary_factor"] != 1:
        raise CannotFuseError(f"its rotary positions are of another kind: {rotation}")
    if config.hidden_act != "silu":
        raise CannotFuseError(f"its activation is '{config.hidden_act}'")
    if set(getattr(config, "layer_types", None) or ()) - {"full_attention"}:
        raise CannotFuseError("its attention looks through a window")
    if type(base.model.embed_tokens) is not nn.Embedding:
        raise CannotFuseError("its embedding has an adapter")
    if len({(weight.device, weight.dtype) for weight in _own_weights(base)}) != 1:
        raise CannotFuseError("its weights are on several devices or of several types")


def _count_bytes(layers: Any) -> int:
    return sum(weight.nbytes for weight in layers.parameters())


def _own_weights(base: Any) -> Iterator[torch.Tensor]:
    return (weight for name, weight in base.named_parameters() if ".lora_" not in name)


class _Joining:
    """Joins linear layers of one input into a Product, with the adapter of this name if any."""

    def __init__(self, adapter: str | None, copies: bool) -> None:
        self._adapter, self._copies = adapter, copies
        self.copied_bytes = 0

    def __call__(self, *layers: Any) -> Product:
        bare = [_bare(layer) for layer in layers]
        has = [self._is_adapted(layer) for layer in layers]
        merges = self._copies and bare[0].weight.dtype == torch.float32
        parts = [
            (self._merge(layer) if adapted and merges else linear.weight.data, _bias(linear))
            for layer, linear, adapted in zip(layers, bare, has, strict=True)
        ]
        if self._copies and len(parts) > 1:
            parts = [_side_by_side(parts)]
        own = {linear.weight.data_ptr() for linear in bare}
        self.copied_bytes += sum(
            weight.nbytes for weight, _ in parts if weight.data_ptr() not in own
        )
        if merges or not any(has):
            return Product(tuple(parts))
        return Product(tuple(parts), *self._stand_beside(layers, bare, has))

    def _is_adapted(self, layer: Any) -> bool:
        return isinstance(layer, LoraLinear) and self._adapter in set(layer.lora_A)

    def _merge(self, layer: Any) -> torch.Tensor:
        weight, (a, b, scaling) = layer.get_base_layer().weight.data, self._factors(layer)
        return torch.addmm(weight, b.to(weight), a.to(weight), alpha=scaling)

    def _stand_beside(
        self, layers: Sequence[Any], bare: Sequence[nn.Linear], has: Sequence[bool]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The layers' A below each other [sum of r, in]; their B on a diagonal, scaled."""
        factors = [
            self._factors(layer) for layer, adapted in zip(layers, has, strict=True) if adapted
        ]
        down = torch.cat([a for a, _, _ in factors])
        scaled = iter([(b * scaling).to(down) for _, b, scaling in factors])
        ups = [
            next(scaled) if adapted else down.new_zeros(linear.out_features, 0)
            for linear, adapted in zip(bare, has, strict=True)
        ]
        return down, torch.block_diag(*ups)  # type: ignore[no-untyped-call]

    def _factors(self, layer: Any) -> tuple[torch.Tensor, torch.Tensor, float]:
        name = self._adapter
        return layer.lora_A[name].weight.data, layer.lora_B[name].weight.data, layer.scaling[name]


def _bare(layer: Any) -> nn.Linear:
    base = layer.get_base_layer() if isinstance(layer, LoraLinear) else layer
    shape = (getattr(base, "out_features", 0), getattr(base, "in_features", 0))
    if type(base) is not nn.Linear or base.weight.shape != shape:  # quantised, adapted, in shards
        raise CannotFuseError(f"{type(layer).__name__} is not a linear layer it knows")
    if isinstance(layer, LoraLinear) and layer.lora_variant:
        raise CannotFuseError("the adapter is a variant of LoRA")
    return base


def _bias(linear: nn.Linear) -> torch.Tensor | None:
    return None if linear.bias is None else linear.bias.data


def _side_by_side(parts: Sequence[Linear]) -> Linear:
    weight = torch.cat([weight for weight, _ in parts])
    if weight.dtype == torch.float32:  # by columns, a wide product of one row takes half the time
        weight = weight.t().contiguous().t()
    if all(bias is None for _, bias in parts):
        return weight, None
    return weight, torch.cat([w.new_zeros(len(w)) if b is None else b for w, b in parts])


def _fuse_layer(layer: Any, join: _Joining) -> FusedLayer:
    attention, mlp = layer.self_attn, layer.mlp
    return FusedLayer(
        input_norm=_norm(layer.input_layernorm),
        qkv=join(attention.q_proj, attention.k_proj, attention.v_proj),
        query_norm=_norm(attention.q_norm) if hasattr(attention, "q_norm") else None,
        key_norm=_norm(attention.k_norm) if hasattr(attention, "k_norm") else None,
        out=join(attention.o_proj),
        mlp_norm=_norm(layer.post_attention_layernorm),
        gate_up=join(mlp.gate_proj, mlp.up_proj),
        down=join(mlp.down_proj),
    )


def _norm(module: Any) -> Norm:
    return Norm.of(module.weight.data, module.variance_epsilon)
