"""Python values as plain JSON and back, exactly: what programs take and give across the wall.

None, bool, int, float (with nan and inf), complex, str, bytes, list, tuple, set, frozenset, dict,
Decimal, Fraction, arrays and Python's own types (`int`) keep their types. Anything else, instances
of subclasses with them, arrives as `Opaque`, which equals nothing: an object that claims to equal
everything is no answer. `encode` looks at exact types only and calls no method that a candidate
could have defined. Four things lose their own name: defaultdict, OrderedDict and Counter are dicts,
a namedtuple is the tuple that it holds, numpy's scalars are Python's, and a tensor is an array
(bfloat16 becomes float32, exactly).

`decode` believes nothing: a jailed process may have written the frame itself. This file needs the
standard library only, and numpy once there are arrays, for it also runs on the jailed side.
"""

from __future__ import annotations

import binascii
import math
import sys
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

DEEPEST = 100
MOST_PARTS = 1_000_000  # values inside one value, keys counted
MOST_BYTES = 32 << 20  # of text, bytes and arrays together
MOST_BITS = 1 << 17  # of one int; `10**10**7` has 33 million
MOST_DIGITS = 50_000  # of a Decimal as text
PLAIN_BITS = 63  # ints up to here are JSON's own
MOST_COLLISIONS = 64  # equal hashes among keys: more make building a dict take hours
LONGEST_NAME = 100

ITEM_BYTES = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2,
    "int32": 4, "uint32": 4, "float32": 4, "int64": 8, "uint64": 8, "float64": 8, "complex64": 8,
    "complex128": 16,
}  # fmt: skip
TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict)
}


@dataclass(frozen=True, eq=False)
class Opaque:
    """Something that could not be sent, in words. Compare with `is`, if at all."""

    what: str


class DecodeError(ValueError):
    """What arrived is not what `encode` writes."""


class _TooLargeError(Exception):
    """The text says what is too large."""


def encode(value: Any, most_bytes: int = MOST_BYTES) -> Any:
    """`value` as JSON; a value past the limits becomes opaque as a whole."""
    try:
        return _Encoder(most_bytes).encode(value, 0)
    except _TooLargeError as error:
        return {"opaque": str(error)}


def decode(frame: Any) -> Any:
    """What `encode` was given. Raises `DecodeError`."""
    try:
        return _decode(frame, 0)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise DecodeError(str(error)) from error


class _Encoder:
    """One value on its way; the budgets are for all its parts together."""

    def __init__(self, most_bytes: int) -> None:
        self._parts, self._bytes = MOST_PARTS, most_bytes

    def encode(self, value: Any, depth: int) -> Any:
        self._parts -= 1
        if self._parts < 0:
            raise _TooLargeError(f"a value of more than {MOST_PARTS:,} parts")
        if depth > DEEPEST:
            raise _TooLargeError(f"a value nested more than {DEEPEST} deep")
        kind = type(value)
        write = _WRITERS.get(id(kind))
        return write(self, value, depth + 1) if write else self._encode_foreign(value, kind, depth)

    def encode_each(self, values: Iterable[Any], depth: int) -> list[Any]:
        return [self.encode(value, depth) for value in values]

    def encode_text(self, value: str) -> Any:
        self.spend(len(value))
        try:
            value.encode()
        except UnicodeEncodeError:  # JSON would join two halves of a surrogate pair
            return {"text": _to_base64(value.encode("utf-8", "surrogatepass"))}
        return value

    def encode_bytes(self, value: bytes) -> str:
        self.spend(len(value))
        return _to_base64(value)

    def spend(self, size: int) -> None:
        self._bytes -= size
        if self._bytes < 0:
            raise _TooLargeError(f"a value of more than {MOST_BYTES >> 20} MiB")

    def _encode_foreign(self, value: Any, kind: type, depth: int) -> Any:
        """Named tuples; numpy's and torch's kinds, where the program has imported them."""
        if any(base is tuple for base in type.__dict__["__mro__"].__get__(kind)):
            return {"tuple": self.encode_each(tuple.__iter__(value), depth + 1)}
        numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
        if numpy and kind is numpy.ndarray:
            return self._encode_array(value, kind)
        if numpy and any(kind is scalar for scalar in numpy.sctypeDict.values()):
            number = value.item()
            return self.encode(number, depth) if id(type(number)) in _WRITERS else _opaque(kind)
        if torch and kind is torch.Tensor:
            return self._encode_tensor(torch, value)
        return _opaque(kind)

    def _encode_tensor(self, torch: Any, value: Any) -> Any:
        name = str(value.dtype).removeprefix("torch.")
        has_data = value.layout is torch.strided and value.device.type != "meta"
        if name not in ITEM_BYTES or not has_data:
            return _opaque(type(value))
        tensor = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
        if name == "bfloat16":
            tensor = tensor.float()
        return self._encode_array(tensor.numpy(), type(value))

    def _encode_array(self, array: Any, kind: type) -> Any:
        dtype = str(array.dtype)  # with a "<" or ">" in front where the byte order is foreign
        if dtype not in ITEM_BYTES:
            return _opaque(kind)
        self.spend(array.nbytes)
        shape = [int(size) for size in array.shape]
        return {"tensor": {"dtype": dtype, "shape": shape, "bytes": _to_base64(array.tobytes())}}


def _write_int(encoder: _Encoder, value: int, depth: int) -> Any:
    if value.bit_length() > MOST_BITS:
        raise _TooLargeError(f"a whole number of more than {MOST_BITS:,} bits")
    return value if value.bit_length() <= PLAIN_BITS else {"int": hex(value)}


def _write_decimal(encoder: _Encoder, value: Decimal, depth: int) -> Any:
    if len(text := str(value)) > MOST_DIGITS:
        raise _TooLargeError(f"a Decimal of more than {MOST_DIGITS:,} digits")
    return {"decimal": text}


def _write_type(encoder: _Encoder, value: type, depth: int) -> Any:
    name = next((name for name, kind in TYPES.items() if kind is value), None)
    return {"type": name} if name else _opaque(type)


def _write_dict(encoder: _Encoder, value: dict[Any, Any], depth: int) -> Any:
    return {"dict": [encoder.encode_each(pair, depth) for pair in dict.items(value)]}


_WRITERS_BY_TYPE: dict[type, Callable[[_Encoder, Any, int], Any]] = {
    type(None): lambda encoder, value, depth: value,
    bool: lambda encoder, value, depth: value,
    int: _write_int,
    float: lambda encoder, value, depth: value if math.isfinite(value) else {"float": repr(value)},
    complex: lambda encoder, value, depth: {
        "complex": encoder.encode_each((value.real, value.imag), depth)
    },
    Decimal: _write_decimal,
    Fraction: lambda encoder, value, depth: {
        "fraction": encoder.encode_each((value.numerator, value.denominator), depth)
    },
    str: lambda encoder, value, depth: encoder.encode_text(value),
    bytes: lambda encoder, value, depth: {"bytes": encoder.encode_bytes(value)},
    list: lambda encoder, value, depth: encoder.encode_each(value, depth),
    tuple: lambda encoder, value, depth: {"tuple": encoder.encode_each(value, depth)},
    set: lambda encoder, value, depth: {"set": encoder.encode_each(value, depth)},
    frozenset: lambda encoder, value, depth: {"frozenset": encoder.encode_each(value, depth)},
    dict: _write_dict,
    defaultdict: _write_dict,
    OrderedDict: _write_dict,
    Counter: _write_dict,
    type: _write_type,
}
# By identity: looking a type up would ask its metaclass for a hash, and whether it is equal.
_WRITERS = {id(kind): write for kind, write in _WRITERS_BY_TYPE.items()}


def _opaque(kind: type) -> dict[str, str]:
    name = type.__dict__["__name__"].__get__(kind)  # a metaclass may have its own idea of it
    return {"opaque": f"an object of type {name[:LONGEST_NAME]}"}


def _to_base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()


def _decode(frame: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise DecodeError(f"nested more than {DEEPEST} deep")
    kind = type(frame)
    if kind is dict:
        return _decode_tagged(frame, depth)
    if kind is list:
        return [_decode(item, depth + 1) for item in frame]
    if kind is int and frame.bit_length() > PLAIN_BITS:
        raise DecodeError("a large int that is not in base 16")
    if kind is float and not math.isfinite(frame):
        raise DecodeError("a bare nan or infinity")
    return frame


def _decode_tagged(frame: dict[str, Any], depth: int) -> Any:
    if len(frame) != 1:
        raise DecodeError("not exactly one kind")
    [(name, payload)] = frame.items()
    if name == "tensor":
        return _decode_array(payload)
    if type(payload) is list:
        return _decode_parts(name, payload, depth)
    if type(payload) is not str or name not in FROM_TEXT:
        raise DecodeError(f"no value of kind {name!r:.40}")
    return FROM_TEXT[name](payload)


def _decode_parts(name: str, payload: list[Any], depth: int) -> Any:
    if name == "dict":
        pairs = [_decode_pair(pair, depth) for pair in payload]
        _check_distinct(key for key, _ in pairs)
        return dict(pairs)
    parts = [_decode(part, depth + 1) for part in payload]
    if name == "tuple":
        return tuple(parts)
    if name in ("set", "frozenset"):
        _check_distinct(parts)
        return set(parts) if name == "set" else frozenset(parts)
    wanted = {"complex": float, "fraction": int}.get(name)
    if len(parts) != 2 or any(type(part) is not wanted for part in parts):
        raise DecodeError(f"no value of kind {name!r:.40}")
    return complex(*parts) if name == "complex" else Fraction(*parts)


def _decode_pair(pair: Any, depth: int) -> tuple[Any, Any]:
    if type(pair) is not list or len(pair) != 2:
        raise DecodeError("a dict is pairs of key and value")
    return _decode(pair[0], depth + 1), _decode(pair[1], depth + 1)


def _check_distinct(keys: Iterable[Any]) -> None:
    """Raise where two are equal, or where so many hashes are that comparing keys takes hours."""
    keys = list(keys)
    hashes = Counter(map(hash, keys))
    if hashes and max(hashes.values()) > MOST_COLLISIONS:
        raise DecodeError("keys made to collide")
    if len(set(keys)) != len(keys):
        raise DecodeError("a key twice")


def _decode_array(payload: Any) -> Any:
    import numpy

    if type(payload) is not dict or payload.keys() != {"dtype", "shape", "bytes"}:
        raise DecodeError("an array is a dtype, a shape and bytes")
    dtype, shape = payload["dtype"], payload["shape"]
    if dtype not in ITEM_BYTES or type(shape) is not list:
        raise DecodeError("an array of unknown type")
    if any(type(size) is not int or size < 0 for size in shape):
        raise DecodeError("an array of impossible shape")
    data = _from_base64(payload["bytes"])
    if len(data) != math.prod(shape) * ITEM_BYTES[dtype]:
        raise DecodeError("an array whose bytes do not fit its shape")
    if dtype == "bool" and data.strip(b"\0\1"):
        raise DecodeError("an array of bools that are neither")
    return numpy.frombuffer(data, dtype=dtype).reshape(shape).copy()


def _decode_float(text: str) -> float:
    if text not in ("nan", "inf", "-inf"):
        raise DecodeError("a finite float as text")
    return float(text)


def _decode_int(text: str) -> int:
    if len(text) > MOST_BITS // 4 + 3:
        raise DecodeError("an int past the limit")
    value = int(text, 16)
    if value.bit_length() <= PLAIN_BITS or hex(value) != text:
        raise DecodeError("an int in an odd way")
    return value


def _decode_decimal(text: str) -> Decimal:
    if len(text) > MOST_DIGITS:
        raise DecodeError("a Decimal past the limit")
    value = Decimal(text)
    if str(value) != text:
        raise DecodeError("a Decimal in an odd way")
    return value


def _decode_type(text: str) -> type:
    if text not in TYPES:
        raise DecodeError("a type of unknown name")
    return TYPES[text]


def _from_base64(text: Any) -> bytes:
    if type(text) is not str:
        raise DecodeError("bytes that are no text")
    return binascii.a2b_base64(text, strict_mode=True)


FROM_TEXT: dict[str, Any] = {
    "float": _decode_float,
    "int": _decode_int,
    "text": lambda text: _from_base64(text).decode("utf-8", "surrogatepass"),
    "bytes": _from_base64,
    "decimal": _decode_decimal,
    "type": _decode_type,
    "opaque": Opaque,
}
