"""The modules where compilers read them: `torch.jit.script` and `torch.fx.symbolic_trace`."""

import copy
import inspect
import io
from collections.abc import Callable
from typing import Any

import pytest
import torch

import normwise
from normwise.catalogue import Loss
from normwise.nn import AdaptiveBarronLoss, DistanceMatrix, HuberLoss, Norm, PairwiseDistance, QuantileLoss

Tensor = torch.Tensor

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

OTHERS: dict[str, Callable[[], torch.nn.Module]] = {
    "tensor parameter": lambda: HuberLoss(delta=torch.tensor([0.5, 1.0, 2.0])),
    "learned parameter": lambda: HuberLoss(delta=torch.nn.Parameter(torch.tensor([0.5, 1.0, 2.0]))),
    "quantiles": lambda: QuantileLoss(q=[0.1, 0.5, 0.9], reduction="none"),
    "adaptive": lambda: AdaptiveBarronLoss(3),
    "distance": lambda: PairwiseDistance(p=1),
    "matrix": DistanceMatrix,
    "matrix of a loss": lambda: DistanceMatrix("huber", delta=2.0),
}


class Model(torch.nn.Module):
    """A model that computes its loss, as training libraries have it."""

    def __init__(self, criterion: torch.nn.Module) -> None:
        super().__init__()
        self.layer, self.criterion = torch.nn.Linear(3, 3), criterion

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.criterion(self.layer(x), t)  # type: ignore[no-any-return]


def pair(rows: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(rows)
    x, t = torch.rand(2, rows, 3, generator=generator).unbind()
    return x + 0.5, t + 0.5


def check(compiled: Any, module: torch.nn.Module, *given: Tensor) -> None:
    """The same value and gradients, as of the module itself."""
    outcomes = []
    for function in (compiled, module):
        module.zero_grad()
        value = function(*given)
        value.sum().backward()
        outcomes.append((value, [p.grad for p in module.parameters()]))
    assert outcomes[0][1]
    torch.testing.assert_close(*outcomes, rtol=0, atol=0)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("compiler", [torch.jit.script, torch.fx.symbolic_trace])
def test_a_model_with_a_module_is_compiled(name: str, compiler: Callable[[torch.nn.Module], Any]) -> None:
    model = Model(OTHERS[name]())
    compiled = compiler(model)
    check(compiled, model, *pair())
    check(compiled, model, *pair(7))


def test_every_loss_is_scripted_and_traced(every_loss: Loss) -> None:
    module, (x, t) = getattr(normwise.nn, every_loss.module)(), pair()
    given = (x, t, *(t + 0.5 for _ in every_loss.further_arrays))
    for compiler in (torch.jit.script, torch.fx.symbolic_trace):
        torch.testing.assert_close(compiler(module)(*given), module(*given), rtol=0, atol=0)


@pytest.mark.parametrize("name", ["L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss"])
def test_torchs_own_losses_are_scripted_as_torchs_are(name: str) -> None:
    ours, theirs = (torch.jit.script(getattr(home, name)(reduction="sum")) for home in (normwise.nn, torch.nn))
    torch.testing.assert_close(ours(*pair()), theirs(*pair()))


@pytest.mark.parametrize("compiler", [torch.jit.script, torch.fx.symbolic_trace])
def test_a_norm_is_compiled(compiler: Callable[[torch.nn.Module], Any]) -> None:
    x, _ = pair()
    torch.testing.assert_close(compiler(Norm(3, dim=1))(x), torch.linalg.vector_norm(x, 3, dim=1))


def test_a_script_follows_its_attributes_its_copies_and_its_dtype() -> None:
    script, (x, t) = torch.jit.script(normwise.nn.SmoothL1Loss()), pair()
    script.beta = 0.25
    for each in (script, copy.deepcopy(script)):
        torch.testing.assert_close(each(x, t), torch.nn.functional.smooth_l1_loss(x, t, beta=0.25))
        assert each(x.double(), t.double()).dtype is torch.float64


def test_what_a_script_cannot_do_names_its_mend_and_the_mend_works() -> None:
    module, (x, t) = normwise.nn.HuberLoss(), pair()
    with pytest.raises(RuntimeError, match="trace_it_to_save_it"):
        torch.jit.save(torch.jit.script(module), io.BytesIO())
    torch.jit.save(torch.jit.trace(module, (x, t)), io.BytesIO())
    metric = DistanceMatrix(normwise.losses["huber"])
    with pytest.raises(RuntimeError, match="cannot hold its metric: give it as a text or a number"):
        torch.jit.script(metric)(x, t)
    torch.testing.assert_close(torch.jit.script(DistanceMatrix("huber"))(x, t), metric(x, t))


def test_the_forward_method_shows_its_options_to_people() -> None:
    assert [*inspect.signature(HuberLoss.forward).parameters] == ["self", "input", "target", "options"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x, t: normwise.distance(x, t, 1),
        lambda x, t: normwise.huber_loss(x, t, delta=t.amax()),
        lambda x, t: normwise.mse_loss(x, t, normalize=t.sum()),
        lambda x, t: normwise.mse_loss(x, t, weight=t, mask=t > 1),
    ],
    ids=["distance", "a parameter", "a divisor", "weight and mask"],
)
def test_symbols_stand_for_any_argument(function: Callable[..., Tensor]) -> None:
    graph = torch.fx.symbolic_trace(function)
    for given in (pair(), pair(7)):
        torch.testing.assert_close(graph(*given), function(*given), rtol=0, atol=0)
