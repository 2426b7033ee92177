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
    machine = host_machine()
    return machine.emit_object(_optimised(text, machine))


def assembly(text: str) -> str:
    """The assembly of a module."""
    machine = host_machine()
    return machine.emit_assembly(_optimised(text, machine))


@functools.cache
def platform() -> str:
    """All that machine code depends on beside its module: LLVM, and the processor's name and features."""
    return "\n".join((llvmlite.__version__, str(llvm.llvm_version_info), str(LEVEL), *_processor()))


def _optimised(text: str, machine: Any) -> Any:
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(LEVEL)
    builder = llvm.create_pass_builder(machine, options)
    passes = builder.getModulePassManager()
    passes.run(module, builder)
    # Which llvmlite's own class forgets: 0.2 MiB for each kernel.
    llvm.newpassmanagers.NewPassManager._dispose(passes)
    passes.detach()
    return module


def host_machine() -> Any:
    """A code generator for this very machine."""
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
