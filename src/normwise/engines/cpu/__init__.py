"""Fused kernels for the CPU, over raw addresses: one pass reads the arrays, sums the loss and writes the gradient.

Numba is loaded where a kernel is compiled: at its first use on a machine.
"""

from __future__ import annotations

from normwise.engines.cpu.buffers import BUFFERS
from normwise.engines.cpu.kernel import Kernel
from normwise.engines.cpu.source import KernelSpec

__all__ = ["BUFFERS", "Kernel", "KernelSpec", "kernel_of"]

_kernels: dict[KernelSpec, Kernel] = {}


def kernel_of(spec: KernelSpec) -> Kernel:
    """Return the kernel of a spec, made at its first use."""
    found = _kernels.get(spec)
    if found is None:
        found = _kernels.setdefault(spec, Kernel(spec))
    return found
