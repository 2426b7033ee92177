"""The machine code of a kernel, by how much there is to compute."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from normwise.engines.cpu import store
from normwise.engines.cpu.threads import Kernel
from normwise.formula.caches import computed_once


class Program(NamedTuple):
    """Machine code."""

    call: Kernel
    """The C function of the address of the arguments."""
    address: int
    """Its own."""


class Programs:
    """The machine code of a spec: compiled at its first use on a machine, afterwards read from disk.

    Where the widest vectors are used the processor slows its clock, for about a millisecond: short work would lose by
    it, and so would what comes after. So the same spec has code of its own for work that is worth them.
    """

    def __init__(self, spec: store.Spec) -> None:
        self._spec = spec

    @computed_once
    def short(self) -> Program:
        """What is to be called for little work."""
        return _program(self._spec)

    @computed_once
    def long(self) -> Program:
        """What is to be called for much."""
        return _program(replace(self._spec, widest=True)) if self._spec.computes_long else self.short


def _program(spec: store.Spec) -> Program:
    code = store.load(spec)
    return Program(code.function(), code.address)
