"""Fused kernels for the CPU, over raw addresses: one pass reads the arrays, sums the loss and writes the gradient.

What makes a kernel stands in `device`; the modules beside it call kernels, keep them and run them on threads.
"""

from __future__ import annotations

from normwise.engines.cpu.buffers import BUFFERS
from normwise.engines.cpu.contraction import ContractionKernel
from normwise.engines.cpu.contraction_spec import SHALLOW, ContractionSpec, Extent, Place, Strides
from normwise.engines.cpu.kernel import Kernel, direct_operands
from normwise.engines.cpu.row_spec import RowSpec, SlopeSpec
from normwise.engines.cpu.rows import Arguments, PreparedCall, RowKernel, SlopeKernel, holds_lines
from normwise.engines.cpu.spec import KernelSpec, Storage, read_by

__all__ = [
    "BUFFERS",
    "SHALLOW",
    "Arguments",
    "ContractionKernel",
    "ContractionSpec",
    "Extent",
    "Kernel",
    "KernelSpec",
    "Place",
    "PreparedCall",
    "RowKernel",
    "RowSpec",
    "SlopeKernel",
    "SlopeSpec",
    "Storage",
    "Strides",
    "direct_operands",
    "holds_lines",
    "read_by",
]
