"""Values cross the wall exactly, or as nothing that could pass for an answer."""

import base64
import contextlib
import json
import math
import random
from collections import Counter, OrderedDict, defaultdict, namedtuple
from decimal import Decimal
from fractions import Fraction
from typing import Any
from unittest import mock

import numpy as np
import pytest

from rft_core.sandbox.inside.values import (
    DEEPEST,
    MOST_BITS,
    MOST_BYTES,
    MOST_COLLISIONS,
    MOST_PARTS,
    DecodeError,
    Opaque,
    decode,
    encode,
)


def send(value: Any) -> Any:
    """As through the pipe: JSON text in between."""
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


def is_same(one: Any, other: Any) -> bool:
    """Equal with equal types all the way down; nan is nan, and 0.0 is not -0.0."""
    return write_out(one) == write_out(other)


def write_out(value: Any) -> str:
    """Every type and value in it; sets in one order."""
    if isinstance(value, list | tuple | set | frozenset):
        parts = [write_out(part) for part in value]
        ordered = parts if isinstance(value, list | tuple) else sorted(parts)
        return f"{type(value).__name__}({', '.join(ordered)})"
    if isinstance(value, dict):
        return f"dict({write_out(list(value.items()))})"
    return f"{type(value).__name__}({value!r})"


def draw(rng: random.Random, depth: int, *, hashable: bool = False) -> Any:
    """A random value of a random kind."""
    leaves = [
        lambda: None,
        lambda: rng.random() < 0.5,
        lambda: rng.randint(-5, 5),
        lambda: rng.getrandbits(rng.choice([62, 63, 64, 65, 400])) * rng.choice([1, -1]),
        lambda: rng.choice([0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, rng.random()]),
        lambda: complex(rng.random(), rng.choice([math.nan, -0.0, 1.0])),
        lambda: "".join(chr(rng.randrange(0x110000)) for _ in range(rng.randint(0, 5))),
        lambda: rng.randbytes(rng.randint(0, 9)),
        lambda: Decimal(rng.choice(["1.50", "-0", "NaN", "1E+999999", "Infinity"])),
        lambda: Fraction(rng.randint(-9, 9), rng.randint(1, 9)),
    ]
    if depth == 0 or rng.random() < 0.4:
        return rng.choice(leaves)()
    kind = rng.choice([tuple, frozenset] if hashable else [list, tuple, set, frozenset, dict])
    keys = kind in (set, frozenset, dict)
    parts = [draw(rng, depth - 1, hashable=keys or hashable) for _ in range(rng.randint(0, 4))]
    if kind is dict:
        return {part: draw(rng, depth - 1) for part in parts}
    return kind(parts)


def test_random_values_arrive_as_they_were() -> None:
    rng = random.Random(3)
    for _ in range(3_000):
        value = draw(rng, 4)
        assert is_same(send(value), value), repr(value)


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint8", "int32", "int64", "float16", "float32", "complex64"]
)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)])
def test_arrays_keep_type_shape_and_content(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    for given in (array, array.T):
        received = send([given])[0]
        assert received.dtype == dtype and received.shape == given.shape
        assert np.array_equal(received, given)


def test_a_foreign_byte_order_and_arrays_of_objects_are_opaque() -> None:
    assert isinstance(send(np.array([1], dtype=">i4")), Opaque)
    assert isinstance(send(np.array([object()])), Opaque)


def test_tensors_become_arrays_and_bfloat16_becomes_float32() -> None:
    import torch

    values = torch.tensor([[1.5, -2.25], [math.nan, math.inf]], requires_grad=True)
    assert np.array_equal(send(values), values.detach().numpy(), equal_nan=True)
    assert np.array_equal(send(values.T), values.detach().T.numpy(), equal_nan=True)
    half = torch.tensor([1.0078125], dtype=torch.bfloat16)
    assert send(half).dtype == np.float32 and send(half)[0] == 1.0078125
    assert send(torch.tensor(3)).shape == ()
    assert isinstance(send(torch.zeros(2, device="meta")), Opaque)
    assert isinstance(send(torch.zeros(2, 2).to_sparse()), Opaque)
    assert isinstance(send(torch.nn.Parameter(values.detach())), Opaque)


def test_scalars_of_numpy_are_numbers_and_three_kinds_of_dict_are_dicts() -> None:
    assert is_same(
        send([np.float64(0.5), np.int32(7), np.bool_(True), np.str_("a")]), [0.5, 7, True, "a"]
    )
    assert isinstance(send(np.datetime64("2020-01-01")), Opaque)
    default = defaultdict(list, {"a": [1]})
    for value in (Counter("aab"), OrderedDict(a=1), default):
        assert is_same(send(value), dict(value))


class AlwaysEqual:
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


class Touchy:
    """Whatever is asked of it counts as a call of a candidate's method."""

    calls: list[str] = []  # noqa: RUF012 -- shared on purpose

    def __getattribute__(self, name: str) -> Any:
        Touchy.calls.append(name)
        raise AssertionError(name)

    def __iter__(self) -> Any:
        Touchy.calls.append("iter")
        return iter([1])

    def __index__(self) -> int:
        Touchy.calls.append("index")
        return 1

    def __repr__(self) -> str:
        Touchy.calls.append("repr")
        return "1"


class Meta(type):
    """A class of classes that is asked for nothing either."""

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise AssertionError("asked for its name")

    def __hash__(cls) -> int:
        raise AssertionError("hashed")

    def __eq__(cls, other: object) -> bool:
        raise AssertionError("compared")


class Named(metaclass=Meta):
    pass


class MyInt(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class MyList(list):  # type: ignore[type-arg]
    def __iter__(self) -> Any:
        raise AssertionError("iterated")


class LyingTuple(tuple):  # type: ignore[type-arg]
    def __iter__(self) -> Any:
        return iter([1, 2])

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = tuple.__hash__


class ClaimsToBeATuple:
    __class__ = tuple  # type: ignore[assignment]


def test_a_named_tuple_is_what_it_holds_whatever_it_says() -> None:
    point = namedtuple("point", "x y")
    assert is_same(send([point(1, point("a", 2.0))]), [(1, ("a", 2.0))])
    assert is_same(send(LyingTuple([3])), (3,))


OTHERS = [
    AlwaysEqual(), ClaimsToBeATuple(), mock.ANY, Touchy(), Named(), MyInt(3), MyList([1]),
    (n for n in [1]), range(3), iter([1]), len, type, np, bytearray(b"a"), memoryview(b"a"),
    type("S", (str,), {})("a"),
    type("A", (np.ndarray,), {})((1,)), NotImplemented, Ellipsis, Exception("x"),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(OTHERS)))
def test_anything_else_is_opaque_and_equals_nothing(place: int) -> None:
    received = send({"a": [OTHERS[place]]})["a"][0]
    assert isinstance(received, Opaque)
    assert received != send([OTHERS[place]])[0]
    assert Touchy.calls == []


def test_what_is_too_large_is_opaque_as_a_whole() -> None:
    deep: Any = 1
    for _ in range(DEEPEST + 1):
        deep = [deep]
    cycle: list[Any] = []
    cycle.append(cycle)
    wide: Any = 1
    for _ in range(40):
        wide = [wide, wide]
    for value, word in (
        (1 << MOST_BITS, "whole number"),
        (deep, "nested"),
        (cycle, "nested"),
        (wide, "parts"),
        ([0] * MOST_PARTS, "parts"),
        ("x" * (MOST_BYTES + 1), "MiB"),
        ([b"x" * (MOST_BYTES // 2 + 1)] * 2, "MiB"),
        (Decimal("1" * 60_000), "Decimal"),
    ):
        received = send(value)
        assert isinstance(received, Opaque) and word in received.what


def test_the_largest_values_that_may_pass_do() -> None:
    largest = -(1 << (MOST_BITS - 1))
    assert send(largest) == largest
    deep: Any = 1
    for _ in range(DEEPEST):
        deep = (deep,)
    assert send(deep) == deep


@pytest.mark.parametrize(
    "frame",
    [
        {}, {"what": "x"}, {"tuple": [], "list": []}, {"tuple": 1}, {"tuple": {}}, {"set": [1, 1]},
        {"set": [1, True]}, {"set": [[1]]}, {"dict": [[1, 2], [1, 3]]}, {"dict": [[1]]},
        {"dict": [[[], 1]]}, {"dict": {"a": 1}}, {"int": "0x10"}, {"int": "1" * 30}, {"int": 5},
        {"int": "0x" + "f" * MOST_BITS}, {"int": "0xFFFFFFFFFFFFFFFFFF"}, 1 << 70, math.nan,
        math.inf, {"float": "1.5"}, {"float": "NaN"}, {"fraction": [1, 0]}, {"fraction": [1]},
        {"fraction": [1, 2.0]}, {"complex": [1, 2]}, {"bytes": "a"}, {"bytes": "QQ==QQ=="},
        {"bytes": "QQ=="+"\n"}, {"bytes": ["QQ=="]}, {"text": base64.b64encode(b"\xff").decode()},
        {"decimal": "one"}, {"decimal": " 1"}, {"opaque": 1}, {"opaque": None},
        {"tensor": {"dtype": "object", "shape": [], "bytes": ""}},
        {"tensor": {"dtype": "int8", "shape": [-1], "bytes": "QQ=="}},
        {"tensor": {"dtype": "int8", "shape": [2], "bytes": "QQ=="}},
        {"tensor": {"dtype": ["int8"], "shape": [1], "bytes": "QQ=="}},
        {"tensor": {"dtype": "int8", "shape": [True], "bytes": "QQ=="}},
        {"tensor": {"dtype": "int8", "shape": [1]}},
        {"tensor": {"dtype": "bool", "shape": [3], "bytes": "AAIB"}}, {"tensor": []},
        {"tensor": {"dtype": "int8", "shape": [0, 1 << 80], "bytes": ""}},
    ],
    ids=repr,
)  # fmt: skip
def test_what_encode_would_not_write_is_an_error(frame: Any) -> None:
    with pytest.raises(DecodeError):
        decode([frame])


def test_a_frame_nested_too_deeply_is_an_error() -> None:
    frame: Any = 1
    for _ in range(400):
        frame = {"tuple": [frame]}
    with pytest.raises(DecodeError):
        decode(frame)


def test_keys_made_to_collide_are_refused_before_they_cost_anything() -> None:
    modulus = (1 << 61) - 1  # hash(n * modulus) is 0 for every n
    keys = [n * modulus for n in range(1, 4 * MOST_COLLISIONS)]
    frame = {"set": [encode(key) for key in keys]}
    with pytest.raises(DecodeError, match="collide"):
        decode(frame)


def test_random_json_never_raises_anything_else() -> None:
    rng = random.Random(5)
    names = ["tuple", "set", "dict", "int", "float", "bytes", "tensor", "opaque", "fraction", "x"]

    def draw_json(depth: int) -> Any:
        if depth == 0 or rng.random() < 0.3:
            return rng.choice([None, True, 1, 1.5, "QQ==", "0x10", 1 << 80, "nan"])
        if rng.random() < 0.5:
            return [draw_json(depth - 1) for _ in range(rng.randint(0, 3))]
        return {rng.choice(names): draw_json(depth - 1) for _ in range(rng.choice([1, 1, 1, 2]))}

    for _ in range(5_000):
        with contextlib.suppress(DecodeError):
            decode(draw_json(4))


@pytest.mark.parametrize("kind", [int, str, bool, list, dict, frozenset])
def test_pythons_own_types_arrive_as_themselves(kind: type) -> None:
    assert send(kind) is kind and send([kind, {"a": kind}]) == [kind, {"a": kind}]


@pytest.mark.parametrize("kind", [type, object, Decimal, type("int", (int,), {}), Meta, ValueError])
def test_other_types_do_not(kind: type) -> None:
    assert isinstance(send(kind), Opaque)
    with pytest.raises(DecodeError):
        decode({"type": "object"})
