"""Where the tensors of a run lie, and which program of which kernel wrote what.

A part of the program in `kernel_interpreter.py`. Addresses are real ones, so what a kernel must not
touch is refused before it is touched. A race between one program's load and another's store is not
seen here; two programs that store different values to one element are.
"""

import ctypes
from typing import Any

import numpy as np
import torch

TENSOR = torch._C.TensorBase  # its methods as they are before the watch spies on them


class KernelMemoryError(Exception):
    """A kernel touched memory that is not its own, or that another program writes differently."""


class Memory:
    """The storages that a run has seen, and for each byte whether a kernel wrote it.

    Storages with data of an input which no kernel wrote are `copied`, or the input itself.
    """

    def __init__(self, inputs: list[Any]) -> None:
        self.written: dict[int, Any] = {}
        self._kept: list[Any] = []  # no address is used twice in a run
        self._regions: list[tuple[int, int, Any, Any]] = []
        self._program = 0
        self._inputs = {self.note(tensor) for tensor in inputs}
        self._copied: set[int] = set()

    def note(self, tensor: Any) -> int:
        """The address of its storage, known from here on."""
        storage = TENSOR.untyped_storage(tensor)
        start = storage.data_ptr()
        if start not in self.written:
            self.written[start] = np.zeros(storage.nbytes(), dtype=bool)
            self._kept.append(storage)
        return start

    def is_input(self, tensor: Any) -> bool:
        return self.note(tensor) in self._inputs

    def is_foreign(self, tensor: Any) -> bool:
        """Whether it holds, or may hold, values that no kernel wrote and that are no constants."""
        return self.note(tensor) in self._copied | self._inputs

    def elements(self, tensor: Any) -> Any:
        """The offset in bytes of each of its elements, in the shape of the tensor."""
        offsets = np.full(tuple(tensor.shape), tensor.storage_offset())
        for axis, (size, stride) in enumerate(zip(tensor.shape, tensor.stride(), strict=True)):
            shape = [-1 if axis == other else 1 for other in range(tensor.dim())]
            offsets = offsets + (np.arange(size) * stride).reshape(shape)
        return offsets * tensor.element_size()

    def written_elements(self, tensor: Any) -> Any:
        return self.written[self.note(tensor)][self.elements(tensor)]

    def copy(self, source: Any, target: Any) -> None:
        """`target` has got the data of `source`, and what is known about them."""
        known, start = self.written_elements(source), self.note(target)
        offsets = self.elements(target)
        self.written[start][offsets] = np.broadcast_to(known, offsets.shape)
        if self.is_foreign(source) and not known.all() and start not in self._inputs:
            self._copied.add(start)

    # One launch: which addresses are its own, and which program wrote them.

    def begin_launch(self, tensors: list[Any]) -> None:
        starts = {self.note(tensor) for tensor in tensors}
        self._regions = [
            (start, start + written.size, written, np.zeros(written.size, dtype=np.int32))
            for start in starts
            if (written := self.written[start]).size
        ]

    def has_only_copied(self, tensors: list[Any]) -> bool:
        """Whether all that this launch stored stands, in this order, in a tensor of its type."""
        dtypes = {self.note(tensor): tensor.dtype for tensor in tensors}
        whole = {start: ctypes.string_at(start, end - start) for start, end, *_ in self._regions}
        stored = {}
        for start, _, _, writers in self._regions:
            if writers.any():
                width = dtypes[start].itemsize
                elements = np.frombuffer(whole[start], dtype=f"V{width}")
                stored[start] = elements[np.flatnonzero(writers) // width].tobytes()
        return bool(stored) and all(
            any(
                data in other
                for place, other in whole.items()
                if place != start and dtypes[place] is dtypes[start]
            )
            for start, data in stored.items()
        )

    def begin_program(self, number: int) -> None:
        self._program = number

    def locate(self, pointers: Any, mask: Any, verb: str) -> list[tuple[Any, Any, Any]]:
        """(written, writers, offsets) for each region touched. Raises `KernelMemoryError`."""
        width = max(1, pointers.get_element_ty().primitive_bitwidth // 8)
        addresses = pointers.data[np.broadcast_to(mask, pointers.data.shape)].astype(np.int64)
        found, left = [], addresses.size
        for start, end, written, writers in self._regions if left else ():
            inside = addresses[(addresses >= start) & (addresses <= end - width)]
            if inside.size:
                found.append((written, writers, inside - start))
                left -= inside.size
        if left:
            what = f"{verb} {left} of {addresses.size} elements outside of its tensors"
            raise KernelMemoryError(f"program {self._program - 1} {what}")
        return found

    def update(self, pointers: Any, mask: Any) -> None:
        """An atomic operation: in any order of the programs the same."""
        for written, _, offsets in self.locate(pointers, mask, "updates"):
            written[offsets] = True

    def store(self, pointers: Any, mask: Any, changes: Any) -> None:
        """Mark what is stored. `changes()`: whether it differs from what is there."""
        for written, writers, offsets in self.locate(pointers, mask, "writes"):
            others = writers[offsets]
            if ((others != 0) & (others != self._program)).any() and changes():
                raise KernelMemoryError(
                    f"program {self._program - 1} writes another value to an element that an "
                    "earlier program wrote: on a GPU either may come last"
                )
            written[offsets] = True
            writers[offsets] = self._program
