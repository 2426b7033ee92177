"""Large results on torch's memory: recycled when nobody looks at them, and their owners' to resize, share and keep."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch

import normwise
from normwise.engines.cpu.buffers import BUFFERS, LARGE

Tensor = torch.Tensor

SIZE = LARGE // 4


@pytest.fixture(autouse=True)
def _no_unused_buffers() -> None:
    BUFFERS.clear()


def gradient(value: float = 1.0) -> Tensor:
    """A large gradient, which is `value` everywhere."""
    x = torch.full((SIZE,), value / 2, requires_grad=True)
    normwise.mse_loss(x, torch.zeros(SIZE), reduction="sum").backward()
    assert x.grad is not None
    return x.grad


def test_a_gradient_that_is_gone_is_recycled() -> None:
    found = gradient()
    place = found.data_ptr()
    del found
    again = gradient(3.0)
    assert again.data_ptr() == place
    assert (again == 3.0).all()


def resized(found: Tensor) -> None:
    found.resize_(10)


def emptied(found: Tensor) -> None:
    found.untyped_storage().resize_(0)


def grown(found: Tensor) -> None:
    found.untyped_storage().resize_(8 * SIZE)


def emptied_and_filled(found: Tensor) -> None:
    """As sharded training does with what it does not need for a while."""
    size = found.untyped_storage().nbytes()
    found.untyped_storage().resize_(0)
    found.untyped_storage().resize_(size)
    found.fill_(1.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_neighbours_and_their_distances_can_be_resized(dtype: torch.dtype) -> None:
    for found in normwise.nearest(torch.rand(9, 2, dtype=dtype), torch.rand(7, 2, dtype=dtype), 3):
        resized(found)
        emptied(found)


@pytest.mark.parametrize("change", [resized, emptied, grown, emptied_and_filled, Tensor.share_memory_, Tensor.numpy])
def test_a_storage_is_its_owners_and_spoils_no_later_result(change: Callable[[Tensor], Any]) -> None:
    found = gradient()
    held = change(found)
    other = gradient(3.0)
    assert other.untyped_storage().resizable()
    del found, held
    later = [gradient(5.0) for _ in range(3)]
    assert (other == 3.0).all()
    for each in later:
        assert each.shape == (SIZE,)
        assert (each == 5.0).all()
        each.untyped_storage().resize_(0)


HOLDERS: dict[str, Callable[[Tensor], Any]] = {
    "view": lambda found: found[5:9],
    "other dtype": lambda found: found.view(torch.int32),
    "array": lambda found: found.numpy(),
    "memoryview": lambda found: memoryview(found.numpy()),
    "storage": lambda found: found.untyped_storage(),
    "another library": torch.from_dlpack,
    "capsule": torch.utils.dlpack.to_dlpack,
    "shallow copy": copy.copy,
    "detached": torch.detach,
    "lazy clone": torch._lazy_clone,
    "graph": lambda found: (found * torch.ones(1, requires_grad=True)).grad_fn,
}


@pytest.mark.parametrize("name", HOLDERS)
def test_whoever_looks_at_a_gradient_keeps_it(name: str) -> None:
    found = gradient(1.0)
    place = found.data_ptr()
    holder = HOLDERS[name](found)
    del found
    other = gradient(3.0)
    assert other.data_ptr() != place
    del holder


def test_without_torchs_count_nothing_is_recycled(monkeypatch: pytest.MonkeyPatch) -> None:
    from normwise.libraries import torch_memory

    monkeypatch.setattr(torch_memory, "_use_count", None)
    found, other = gradient(), gradient(3.0)
    assert (found == 1.0).all()
    assert (other == 3.0).all()
    assert BUFFERS.kept == 0


def test_a_backward_pass_under_a_default_device_stays_on_the_cpu() -> None:
    x = torch.ones(SIZE, requires_grad=True)
    value = normwise.mse_loss(x, torch.zeros(SIZE), weight=torch.ones(SIZE), reduction="none").sum()
    with torch.device("meta"):
        value.backward()
    assert x.grad is not None
    assert x.grad.device.type == "cpu"
