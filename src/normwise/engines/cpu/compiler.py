"""From LLVM's language to this machine's code."""

# pyright: basic
from __future__ import annotations

import functools
from typing import Any

import llvmlite
import llvmlite.binding as llvm

LEVEL = 3
"""Of optimisation."""


def compiled(text: str) -> bytes:
    """The object file of a module."""
    machine = _machine()
    return machine.emit_object(_optimised(text, machine))


def assembly_of(text: str) -> str:
    """The assembly of a module."""
    machine = _machine()
    return machine.emit_assembly(_optimised(text, machine))


class Code:
    """Machine code in memory, as long as this lives."""

    def __init__(self, binary: bytes, symbol: str) -> None:
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(binary))
        self._engine.finalize_object()
        self.address: int = self._engine.get_function_address(symbol)


@functools.cache
def platform() -> str:
    """All that machine code depends on beside its module: LLVM, and the processor's name and features."""
    return "\n".join((llvmlite.__version__, str(llvm.llvm_version_info), str(LEVEL), *_processor()))


def _optimised(text: str, machine: Any) -> Any:
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(LEVEL)
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    return module


def _machine() -> Any:
    """A code generator for this very machine; an engine takes one for itself."""
    _initialize()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(*_processor(), opt=LEVEL, codemodel="jitdefault", jit=True)


@functools.cache
def _initialize() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@functools.cache
def _processor() -> tuple[str, str]:
    """The processor's name and features."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
