"""Without any private name of torch, losses, norms and pairs are what they are, forward and backward."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import normwise

TAKEN_AWAY = (
    "torch._C._dispatch_tls_local_include_set",
    "torch._C.DispatchKeySet",
    "torch._C._parse_dispatch_key",
    "torch._C._is_tracing",
    "torch._C._len_torch_function_stack",
    "torch._C._storage_Use_Count",
    "torch.autograd.forward_ad._current_level",
    "torch._assert_async",
    "torch.nn.modules.loss._Loss",
    "torch._C._functorch.TransformType",
    "torch._functorch.pyfunctorch.retrieve_all_functorch_interpreters",
    "FunctionMeta._backward_cls",
    "Function.apply",
    "FunctionCtx.to_save",
    "nothing",
)

PROGRAM = """
import os, sys, traceback
import numpy as np
import torch
import torch._functorch.pyfunctorch
from torch.autograd import forward_ad
from torch.autograd.function import FunctionCtx

from importlib import import_module

def take_away(name):
    # Away while our module of such names is imported: torch itself needs most of them later.
    holder, _, attribute = name.rpartition(".")
    if holder.startswith("torch"):
        module = import_module(holder) if holder != "torch._C" else torch._C
        value = getattr(module, attribute)
        delattr(module, attribute)
    elif name == "FunctionCtx.to_save":
        own = FunctionCtx.save_for_backward
        FunctionCtx.save_for_backward = lambda self, *tensors: own(self, *tensors)
    internals = import_module("normwise.libraries.torch_internals")
    if name == "FunctionMeta._backward_cls":
        internals.hasattr = lambda thing, name: name != "_backward_cls" and hasattr(thing, name)
    if name == "Function.apply":
        internals.super = lambda *_: object()
    if holder.startswith("torch") and "functorch" not in name:
        setattr(module, attribute, value)

def check():
    import normwise
    from normwise import nn

    x = torch.tensor([[0.5, -2.0], [3.0, 1.0], [0.25, -0.75]], requires_grad=True)
    t = torch.tensor([[1.0, 1.0], [-1.0, 0.5], [0.5, 2.0]])
    w = torch.tensor([[1.0, 2.0], [0.5, 1.0], [1.0, 3.0]])
    d = (x - t).detach()
    n, rows = d.norm(), d.norm(dim=1)
    pairs = torch.cdist(x.detach(), t)
    calls = [
        (lambda: normwise.mse_loss(x, t), (d * d).mean(), 2 * d / 6),
        (lambda: normwise.mse_loss(x, t, weight=w), (w * d * d).sum() / w.sum(), 2 * w * d / w.sum()),
        (lambda: normwise.rmse_loss(x, t), (d * d).mean().sqrt(), d / 6 / (d * d).mean().sqrt()),
        (lambda: nn.L1Loss()(x, t), d.abs().mean(), d.sign() / 6),
        (lambda: normwise.mse_loss(x.t(), t.t(), reduction="none").sum(), (d * d).sum(), 2 * d),
        (lambda: normwise.norm(x - t), n, d / n),
        (lambda: normwise.distance(x, t, eps=0.0).sum(), rows.sum(), d / rows[:, None]),
        (lambda: normwise.pairwise(x, t).sum(), pairs.sum(),
         ((x.detach()[:, None] - t[None]) / pairs[..., None]).sum(1)),
        (lambda: normwise.nearest(x, t, k=1).distances.sum(), pairs.min(1).values.sum(), None),
        (lambda: normwise.mse_loss(x, t, nan_policy="raise"), (d * d).mean(), 2 * d / 6),
    ]
    for number, (call, value, slope) in enumerate(calls):
        for _ in range(2):
            x.grad = None
            found = call()
            found.backward()
            assert torch.allclose(found, value), (number, found, value)
            assert slope is None or torch.allclose(x.grad, slope, atol=1e-6), (number, x.grad, slope)
    large = torch.zeros(1 << 21, requires_grad=True)
    normwise.mse_loss(large, torch.ones(1 << 21)).backward()
    assert torch.allclose(large.grad, torch.full_like(large, -2 / (1 << 21)))
    jacobian = torch.func.grad(lambda x: normwise.huber_loss(x, t))(x.detach())
    assert torch.allclose(jacobian, d.clamp(-1, 1) / 6)

failed = []
for name in TAKEN_AWAY:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            take_away(name)
            check()
            status = 0
        except BaseException:
            print(name, file=sys.stderr)
            traceback.print_exc()
        finally:
            os._exit(status)
    if os.waitpid(child, 0)[1]:
        failed.append(name)
print(failed)
"""


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process for each name is forked from one that has loaded torch")
def test_no_private_name_of_torch_is_needed() -> None:
    folder = str(Path(normwise.__file__).parents[1])
    program = PROGRAM.replace("TAKEN_AWAY", repr(TAKEN_AWAY), 1)
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": folder},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert told.stdout.split("\n")[0] == "[]", told.stderr[-4000:]
