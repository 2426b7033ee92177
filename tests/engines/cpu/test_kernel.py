"""Kernels: packed instructions, and sums that do not depend on the threads."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import llvmlite.binding as llvm
import numpy as np
import pytest
import torch

import normwise
from normwise.catalogue import Loss
from normwise.engines.cpu import Kernel, KernelSpec
from normwise.engines.cpu.device.builder import FLOAT32
from normwise.engines.cpu.device.kernels import kernel_text
from normwise.engines.cpu.device.vector_math import VECTOR_MATH
from normwise.engines.cpu.kernel import CHUNK, SERIAL
from normwise.engines.cpu.spec import Real
from normwise.engines.cpu.store import assembly_of
from normwise.formula import Formula, apply, arctan, cos, trace
from normwise.formula.expression import constant, variable
from normwise.formula.primitives import PRIMITIVES

# Arithmetic on whole registers, in single (s) or double (d) precision. Every kernel sums in float64, so
# only the instructions of the formula's own precision count, and only arithmetic that a formula does.
ARITHMETIC = r"(?:add|sub|mul|div|max|min|and|andn|or|xor|blendv|cmp\w*|fn?m(?:add|sub)\d+)"
PACKED = {
    "x86_64": {"float32": rf"\bv?{ARITHMETIC}ps\b.*%[xyz]mm", "float64": rf"\bv?{ARITHMETIC}pd\b.*%[xyz]mm"},
    "aarch64": {"float32": r"\bf\w+\s+v\d+\.4s", "float64": r"\bf\w+\s+v\d+\.2d"},
}
PACKED |= {"AMD64": PACKED["x86_64"], "arm64": PACKED["aarch64"]}
# By name wherever it stands: what is called is often an address in a register.
LIBRARY = r"\b(?:exp|expm1|log|log1p|pow|tanh|cosh|sin|cos|sincos|atan)f?\b"
KINDS = ("reduce", "reduce with gradient", "map")


def spec_of(formula: Formula, kind: str, real: Real, strided: bool) -> KernelSpec:
    slope = formula.derivative("x")
    outputs = {"reduce": (), "reduce with gradient": (slope,), "map": (formula,)}[kind]
    operands = len(formula.arrays) + len(outputs)
    direct = (False, *[True] * (operands - 1)) if strided else None
    return KernelSpec(() if kind == "map" else (formula,), outputs, (real,) * operands, direct)


@pytest.mark.parametrize("real", get_args(Real))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strided", [False, True], ids=["flat", "strided"])
def test_a_kernel_is_made_of_packed_instructions(loss: Loss, real: Real, kind: str, strided: bool) -> None:
    assert_packed(spec_of(loss.formula, kind, real, strided), real)


def test_every_loss_is_made_of_packed_instructions(every_loss: Loss) -> None:
    assert_packed(spec_of(every_loss.formula, "reduce with gradient", "float32", strided=False), "float32")


@pytest.mark.parametrize("real", get_args(Real))
@pytest.mark.parametrize("kind", ["reduce with gradient", "map"])
@pytest.mark.parametrize("function", [lambda x: 1 - cos(x), lambda x: arctan(x * x)], ids=["1 - cos", "arctan"])
def test_a_kernel_of_angles_is_made_of_packed_instructions(
    function: Callable[[Any], Any], real: Real, kind: str
) -> None:
    assert_packed(spec_of(trace(function), kind, real, strided=False), real)


@pytest.mark.parametrize(("name", "widest"), [("log_cosh", True), ("barron", True), ("mse", False)])
def test_the_widest_vectors_are_for_what_computes_long(name: str, widest: bool) -> None:
    if not llvm.get_host_cpu_features().get("avx512f"):
        pytest.skip("all vectors of this processor are of one width")
    spec = spec_of(normwise.losses[name].formula, "reduce with gradient", "float32", strided=False)
    assert spec.computes_long == widest
    for wide in (False, True):
        assert bool(re.search(r"ps\b.*%zmm", Kernel(replace(spec, widest=wide)).assembly)) == wide


@pytest.mark.parametrize("name", ["log_cosh", "barron", "cauchy"])
def test_an_element_has_the_same_bits_in_small_and_in_large_arrays(name: str) -> None:
    x = torch.randn(SERIAL + 5, generator=torch.Generator().manual_seed(0)).mul_(10).requires_grad_()
    t, loss = torch.zeros_like(x), getattr(normwise, f"{name}_loss")
    for piece in (slice(None), slice(0, 1000), slice(SERIAL - 3, None)):
        values = loss(x[piece], t[piece], reduction="none")
        [slopes] = torch.autograd.grad(values.sum(), x)
        if piece == slice(None):
            all_values, all_slopes = values, slopes
        assert torch.equal(values, all_values[piece])
        assert torch.equal(slopes[piece], all_slopes[piece])


class Recorder:
    """Vector functions that nobody computes, but that are told apart from none."""

    def __init__(self) -> None:
        self.wanted: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        self.wanted.append(name)
        return lambda x, *_: x


@pytest.mark.parametrize("name", PRIMITIVES)
def test_what_computes_long_is_what_wants_a_vector_function(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, t, recorder = variable("x"), variable("t"), Recorder()
    monkeypatch.setitem(VECTOR_MATH, FLOAT32, recorder)  # type: ignore[misc]
    row = PRIMITIVES[name]
    for arguments in ((x,), (x, t), (x, constant(3)), (x > 0, x, t), (constant(2), x)):
        if len(arguments) != row.arity or (arguments[0].primitive == "constant") != bool(row.orders):
            continue
        recorder.wanted.clear()
        formula = Formula(name, ("x", "t"), {}, apply(name, *arguments))
        spec = KernelSpec((formula,), (), ("float32",) * len(formula.reads))
        kernel_text(spec, "kernel")
        assert spec.computes_long == bool(recorder.wanted)


def assert_packed(spec: KernelSpec, real: Real) -> None:
    if platform.machine() not in PACKED:
        pytest.skip(f"no pattern for {platform.machine()}")
    text = assembly_of(spec)
    packed = re.findall(PACKED[platform.machine()][real], text)
    assert len(packed) >= 2, f"only {packed}"
    calls = set(re.findall(LIBRARY, text))
    assert not calls, f"an elementary function is called for each element: {calls}"


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, SERIAL - 1, SERIAL, 5 * SERIAL + 7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_any_number_of_threads_gives_the_same_bits(size: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(size)
    x = torch.randn(size, dtype=dtype, generator=generator).mul_(100).requires_grad_()
    t, w = torch.randn(2, size, dtype=dtype, generator=generator).unbind()
    w = w.abs()
    before, results = torch.get_num_threads(), list[list[Any]]()
    try:
        for threads in (1, 2, 3, 5):
            torch.set_num_threads(threads)
            value = normwise.smooth_l1_loss(x, t, weight=w, beta=2.0)
            [gradient] = torch.autograd.grad(value, x)
            table = normwise.mse_loss(x.detach().expand(3, size)[:, ::2], t.expand(3, size)[:, ::2])
            results.append([value.detach(), gradient, table])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        for first, second in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(first.numpy(), second.numpy())


@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK + 1, SERIAL - 1, SERIAL + 1, 3 * SERIAL + 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_blocks_cover_everything_once(size: int, dtype: str) -> None:
    x = np.ones(size, dtype)
    assert normwise.mse_loss(x, 0 * x, reduction="sum") == size
    assert normwise.l1_loss(x, 0 * x, weight=2 * x, reduction="sum") == 2 * size
    _, gradient = normwise.value_and_grad("mse")(x, 0 * x, reduction="sum")
    np.testing.assert_array_equal(gradient, 2 * x)


WITHOUT_TORCH = """
import os, sys
import numpy as np, normwise
rng = np.random.default_rng(3)
x, t = rng.normal(size=(2, 300_001)) * 1e3
value, gradient = normwise.value_and_grad("mse")(x, t)
assert "torch" not in sys.modules
print(value.hex(), hash(gradient.tobytes()))
"""


def test_the_pool_without_torch_gives_the_same_bits() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", WITHOUT_TORCH],
            env={**_environment(), "OMP_NUM_THREADS": threads, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
        for threads in ("1", "2", "3", "5")
    }
    assert len(outputs) == 1


AFTER_FORK = """
import os, sys, warnings
warnings.simplefilter("ignore")
import torch, numpy as np, normwise
x, t = np.random.default_rng(3).normal(size=(2, 300_001))
torch.set_num_threads(3)
expected = normwise.mse_loss(x, t)
child = os.fork()
if child == 0:
    same = normwise.mse_loss(x, t) == expected
    tensor = torch.from_numpy(x).requires_grad_()
    normwise.mse_loss(tensor, torch.from_numpy(t))
    os._exit(0 if same else 1)
_, status = os.waitpid(child, 0)
assert normwise.mse_loss(x, t) == expected
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_computes_the_same() -> None:
    subprocess.run([sys.executable, "-c", AFTER_FORK], env=_environment(), check=True, timeout=60)


def _environment() -> dict[str, str]:
    source = str(Path(normwise.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": source}


@pytest.mark.parametrize("reduction", ["none", "sum"])
def test_a_formula_is_computed_in_the_order_it_is_written(reduction: str) -> None:
    """Taken out of the loop together, the constant factors would be infinite."""
    x, t = np.full(5000, 1e-30, np.float32), np.zeros(5000, np.float32)
    once = normwise.loss("c * (c * abs(r))", c=1.0)(x, t, c=1e20, reduction=reduction)
    assert once == pytest.approx(5e13 if reduction == "sum" else 1e10, rel=1e-6)
    assert np.all(np.isinf(normwise.loss("c * c * abs(r)", c=1.0)(x, t, c=1e20, reduction="none")))
