"""The kernels there are: for each kind of spec what builds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from normwise.engines.cpu.contraction_spec import ContractionSpec
from normwise.engines.cpu.device.builder import Builder
from normwise.engines.cpu.device.contractions import build_contraction
from normwise.engines.cpu.device.elements import build_elements
from normwise.engines.cpu.device.rows import build_rows
from normwise.engines.cpu.device.slopes import build_slopes
from normwise.engines.cpu.row_spec import RowSpec, SlopeSpec
from normwise.engines.cpu.spec import KernelSpec

_BUILDERS: dict[type, Callable[[Builder, Any], None]] = {
    KernelSpec: build_elements,
    RowSpec: build_rows,
    SlopeSpec: build_slopes,
    ContractionSpec: build_contraction,
}


def kernel_text(spec: KernelSpec | ContractionSpec, symbol: str) -> str:
    """Return the kernel of a spec, a function of some name, in LLVM's language."""
    builder = Builder(symbol, spec.widest)
    _BUILDERS[type(spec)](builder, spec)
    return builder.finished()
