"""What surrounds a call: autocast, scaled gradients, checkpoints, threads, processes, and Ctrl-C."""

import copy
import math
import multiprocessing
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from subprocess import PIPE
from typing import Any

import pytest
import torch
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset

import normwise
from normwise.catalogue import Loss
from normwise.engines.cpu import kernel as cpu_kernel
from tests.oracles.torch_losses import TORCH, VALUES
from tests.samples import Case

LARGE = 1 << 18
"""Elements enough for several blocks and threads."""


def arrays(size: int = LARGE, dtype: torch.dtype = torch.float32, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x, t = torch.randn(2, size, generator=generator).to(dtype).unbind()
    return x.clone().requires_grad_(), t.clone()


def expected(case: Case, x: torch.Tensor, t: torch.Tensor, upstream: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean and its gradient in float64."""
    wide = x.detach().double().requires_grad_()
    value = VALUES[case.loss.name](wide, t.double(), reduction="none", **case.parameters).mean()
    return value.detach(), torch.autograd.grad(value * upstream, wide)[0]


@pytest.mark.parametrize("dtypes", [("bfloat16", "bfloat16"), ("bfloat16", "float32"), ("float32", "float32")], ids=str)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_autocast_gives_torchs_dtypes_and_values(loss: Loss, dtypes: tuple[str, str], reduction: str) -> None:
    x, t = (a.detach().to(getattr(torch, dtype)) for a, dtype in zip(arrays(64), dtypes, strict=True))
    x.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        ours = getattr(normwise, loss.function)(x, t, reduction=reduction)
        if loss.name in TORCH:
            torch.testing.assert_close(ours, TORCH[loss.name](x, t, reduction=reduction), rtol=1e-5, atol=1e-6)
    assert ours.dtype is torch.float32
    [slope] = torch.autograd.grad(ours.sum(), x)
    assert slope.dtype is x.dtype


def test_a_model_trains_under_autocast(loss: Loss) -> None:
    torch.manual_seed(0)
    model, criterion = torch.nn.Linear(8, 1), getattr(normwise.nn, loss.module)()
    with torch.autocast("cpu", torch.bfloat16):
        criterion(model(torch.randn(16, 8)), torch.randn(16, 1)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("upstream", [1.0, 65536.0])
def test_gradients_of_halves_are_rounded_once_however_they_are_scaled(
    loss: Loss, dtype: torch.dtype, upstream: float
) -> None:
    x, t = arrays(1 << 14, dtype)
    case = Case(loss, loss.parameters)
    [slope] = torch.autograd.grad(case(x, t), x, torch.tensor(upstream))
    right = expected(case, x, t, upstream)[1]
    error = (slope.double() - right).abs()
    # Half a unit in the last place, and what float32 adds to it.
    digits = 10 if dtype is torch.float16 else 7
    smallest = 2.0**-24 if dtype is torch.float16 else 2.0**-133
    unit = torch.maximum(2.0 ** (torch.floor(torch.log2(right.abs())) - digits), torch.tensor(smallest))
    assert (error <= 0.5001 * unit + 1e-7 * right.abs()).all()


@pytest.mark.long
@pytest.mark.parametrize("name", ["mse", "huber"])
def test_float16_gradients_are_right_at_2_to_the_24(name: str) -> None:
    loss = normwise.losses[name]
    case, (x, t) = Case(loss, loss.parameters), arrays(1 << 24, torch.float16)
    [slope] = torch.autograd.grad(case(x, t), x)
    right = expected(case, x, t)[1]
    # Below its normal range float16 counts in steps of 2^-24: nothing can be nearer than half a step.
    assert (slope.double() - right).abs().max() <= 0.5001 * 2.0**-24
    scaled = torch.autograd.grad(case(x, t), x, torch.tensor(65536.0))[0].double()
    torch.testing.assert_close(scaled, right * 65536, rtol=2.0**-11 * 1.001, atol=2.0**-25)


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_loss_within_a_checkpoint_gives_the_same_gradients(loss: Loss, reentrant: bool) -> None:
    function, (x, t) = getattr(normwise, loss.function), arrays(256)

    def model(x: torch.Tensor) -> torch.Tensor:
        return function(torch.tanh(2 * x), t)

    [plain] = torch.autograd.grad(model(x), x)
    checkpoint(model, x, use_reentrant=reentrant).backward()
    torch.testing.assert_close(x.grad, plain)


def test_modules_are_copied_pickled_and_saved(loss: Loss) -> None:
    criterion, (x, t) = getattr(normwise.nn, loss.module)(), arrays(64)
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), criterion)
    assert [*model.state_dict()] == ["0.weight", "0.bias"]
    for again in (copy.deepcopy(criterion), pickle.loads(pickle.dumps(criterion)), copy.deepcopy(model)[1]):
        assert type(again) is type(criterion)
        torch.testing.assert_close(again(x, t), criterion(x, t))


def test_threads_compute_at_once_and_backwards_from_another_thread(loss: Loss) -> None:
    case = Case(loss, loss.parameters)
    barrier = threading.Barrier(8)

    def work(seed: int) -> bool:
        x, t = arrays(seed=seed)
        value, slope = expected(case, x, t)
        barrier.wait(30)
        results = []
        for _ in range(5):
            ours = case(x, t)
            with ThreadPoolExecutor(1) as other:
                other.submit(ours.backward).result(30)
            results.append((ours.item(), x.grad))
            x.grad = None
        return all(
            math.isclose(v, value.item(), rel_tol=1e-6) and torch.allclose(g.double(), slope, atol=1e-10)
            for v, g in results
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8), timeout=120))


@pytest.fixture
def thread_numbers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many threads each call was spread over, from now on."""
    told: list[int] = []
    run = cpu_kernel.run_on_threads
    monkeypatch.setattr(cpu_kernel, "run_on_threads", lambda *a: (told.append(a[-1]), run(*a))[1])
    before = torch.get_num_threads()
    yield told
    torch.set_num_threads(before)


def test_torchs_number_of_threads_is_honoured(thread_numbers: list[int]) -> None:
    x, t = arrays()
    results = []
    for threads in (2, 1, 3):
        torch.set_num_threads(threads)
        value = normwise.mse_loss(x, t)
        results.append((value.item(), torch.autograd.grad(value, x)[0]))
    assert thread_numbers == [2, 1, 3]
    for value, slope in results:
        assert value == results[0][0]
        assert torch.equal(slope, results[0][1])


class Losses(Dataset[torch.Tensor]):
    """Each item is a loss, computed in whatever process asks."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> torch.Tensor:
        x, t = arrays(seed=index)
        value = normwise.huber_loss(x, t)
        value.backward()
        assert x.grad is not None
        return torch.cat([value.detach()[None], x.grad[:: LARGE // 16]])


# torch starts its workers by fork, of which newer versions of Python warn where threads are.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
# So does JAX, which other tests may have loaded.
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:.*_at_fork:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_compute_the_same(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    here = torch.stack([Losses()[i] for i in range(8)])  # so the parent's threads are there to be forked
    loader = DataLoader(Losses(), batch_size=4, num_workers=2, multiprocessing_context=method, timeout=100)
    torch.testing.assert_close(torch.cat([*loader]), here, rtol=0, atol=0)


INTERRUPTS = 20
"""Enough to meet a moment that drops one: a callback at the end of a buffer dropped four of ten."""

ENDLESS = f"""
import torch, normwise
x, t = torch.randn(2, 1 << 18)
x.requires_grad_()

def step():
    normwise.smooth_l1_loss(x, t).backward()

def train():
    print("training", flush=True)
    while True:
        step()

step()  # compiles: an interrupted import of the compiler cannot be taken up again
for _ in range({INTERRUPTS}):
    try:
        train()
    except KeyboardInterrupt:
        pass
train()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_every_interrupt_ends_a_loop_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=PIPE, stderr=PIPE, text=True) as child:
        limit = threading.Timer(60, child.kill)
        limit.start()
        assert child.stdout is not None
        for _ in range(INTERRUPTS + 1):
            assert child.stdout.readline() == "training\n"
            time.sleep(0.02)
            child.send_signal(signal.SIGINT)
        _, words = child.communicate()
        limit.cancel()
    assert child.returncode not in (0, -signal.SIGKILL)
    assert "KeyboardInterrupt" in words


def test_hooks_see_the_gradient_and_may_change_it(loss: Loss) -> None:
    x, t = arrays(64)
    handles: list[Callable[[], None]] = []
    seen: list[Any] = []
    handles.append(x.register_hook(lambda g: seen.append(g.clone())).remove)
    handles.append(x.register_hook(lambda g: 2 * g).remove)
    getattr(normwise, loss.function)(x, t).backward()
    torch.testing.assert_close(x.grad, 2 * seen[0])
    for remove in handles:
        remove()
