"""Calls as users write them, right and wrong: a type checker is to see an error in the lines that say so, and no other.

Nothing here runs. `tests/test_stubs.py` shows it to the checkers, in their strictest mode.
"""

# pyright: strict, reportUnknownMemberType=false
# torch leaves parts of itself without types, such as backward().

from typing import Any, assert_type

import jax
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import normwise
from normwise import functional, mse_loss, nn
from normwise.formula import log1p
from normwise import hubber_loss  # error
from normwise.nn import HuberLoss, PairwiseDistance, QuantileLoss
from normwise.nn import HubberLoss  # error

Numbers = NDArray[np.float64]
Number = np.floating[Any]
Array = NDArray[Any] | Any  # a number where the only dimension is reduced


def losses_of_tensors(x: Tensor, t: Tensor, w: Tensor, learned: torch.nn.Parameter) -> None:
    assert_type(normwise.mse_loss(x, t), Tensor)
    assert_type(mse_loss(input=x, target=t, reduction="none"), Tensor)
    normwise.huber_loss(x, t, delta=2.0, weight=w, mask=t > 0, nan_policy="omit").backward()
    normwise.huber_loss(x, t, delta=learned, dim=(0, 1), keepdim=True)
    normwise.huber_loss(x, t, "sum", 2, w)
    normwise.smooth_l1_loss(x, t, None, None, "sum", 0.5)
    normwise.quantile_loss(x, t, q=w, normalize="count")
    normwise.quantile_loss(x, t, normalize=32, broadcast=True)
    normwise.gaussian_nll_loss(x, t, w, True, 1e-3, "mean", mask=t > 0)
    normwise.gaussian_nll_loss(x, t, 0.5)
    normwise.poisson_nll_loss(x, t, log_input=False, full=True)
    normwise.barron_loss(learned, t, alpha=learned, c=w)
    functional.cauchy_loss(x, t, c=1)
    normwise.hubber_loss(x, t)  # error
    functional.hubber_loss(x, t)  # error
    normwise.huber_loss(x, t, delat=2.0)  # error
    normwise.huber_loss(x, t, delta="2.0")  # error
    normwise.huber_loss(x)  # error
    normwise.huber_loss(x, t, reduction="avg")  # error
    normwise.huber_loss(x, t, nan_policy="ommit")  # error
    normwise.huber_loss(x, t, normalize="weights")  # error
    normwise.huber_loss(x, t, weight=2.0)  # error
    normwise.huber_loss(x, t, dim="rows")  # error
    normwise.huber_loss(x, t, mask=[True, False])  # error
    normwise.cauchy_loss(x, t, 2.0)  # error
    normwise.l1_loss(x, t, "none")  # error
    normwise.poisson_nll_loss(x, t, log_input=w)  # error
    normwise.gaussian_nll_loss(x, t)  # error
    normwise.mse_loss(x, t).tolits()  # error


def losses_of_anything(model: torch.nn.Module, batches: Any, criterion: HuberLoss, frame: Any) -> None:
    for x, t in batches:
        value = normwise.mse_loss(model(x), t)
        value.backward()
        lengths = normwise.norm(model(x), dim=-1)
        matrix = normwise.pairwise(model(x), t)
        near, where = normwise.nearest(model(x), t, 3)
        print(lengths, matrix, near, where, normwise.gradient("mse")(model(x), t))
        assert_type(criterion(model(x), t), Tensor)
        normwise.mse_loss(model(x), t, delta=1)  # error
    total, slope = normwise.value_and_grad("mse")(frame["x"], frame["y"])
    print(total, slope)


def losses_of_arrays(x: Numbers, t: Numbers, w: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
    assert_type(normwise.mse_loss(x, t), Number)
    print(float(normwise.mse_loss(x, t)), normwise.l1_loss(x, t) < 3)
    assert_type(normwise.mse_loss(x, t, reduction="none"), Array)
    assert_type(normwise.mse_loss(x, t, dim=0, weight=w), Array)
    print(normwise.huber_loss(x, t, reduction="none")[0], normwise.huber_loss(x, t, dim=0).shape)
    normwise.huber_loss(x, t, delta=np.median(t), mask=mask)
    normwise.laplace_nll_loss(x, t, w, keepdim=True)
    normwise.student_t_nll_loss(x, t, scale=2, df=w)
    normwise.mse_loss(x, t, reduction="avg")  # error
    normwise.mse_loss(x, t, weight=[1.0, 2.0])  # error
    normwise.mse_loss(x, t).backward()  # error


def arrays_of_two_libraries(x: Tensor, t: Tensor, y: Numbers) -> None:
    normwise.mse_loss(x, y)  # error
    normwise.mse_loss(y, t)  # error
    normwise.mse_loss(x, t, weight=y)  # error
    normwise.huber_loss(y, y, delta=t)  # error
    normwise.distance(x, y)  # error
    normwise.pairwise(y, t)  # error
    normwise.value_and_grad("mse")(x, y)  # error
    normwise.mse_loss("x", "t")  # error


def arrays_of_another_library(x: jax.Array, t: jax.Array) -> None:
    assert_type(normwise.mse_loss(x, t, weight=t), Any)
    assert_type(normwise.norm(x, 1), Any)
    normwise.mse_loss(x, t, reduction="avg")  # error


def derivatives(x: Tensor, t: Tensor, a: Numbers, b: Numbers) -> None:
    value, slope = normwise.value_and_grad("mse")(a, b)
    assert_type(value, Number | Any)
    assert_type(slope, Array)
    assert_type(normwise.value_and_grad(normwise.huber_loss)(x, t, delta=2.0, reduction="sum"), tuple[Tensor, Tensor])
    assert_type(normwise.gradient("huber:delta=2")(a, b, weight=b), Array)
    assert_type(normwise.hessian(normwise.losses["huber"])(x, t, delta=x), Tensor)
    normwise.value_and_grad("mse")(a, b, reduction="none")  # error
    normwise.value_and_grad(3)  # error
    normwise.gradient("huber")(a, b, reduction="sum")  # error
    normwise.gradient("huber")(a)  # error


def norms(x: Tensor, t: Tensor, a: Numbers, b: Numbers) -> None:
    assert_type(normwise.norm(x, 1, dim=-1), Tensor)
    assert_type(normwise.norm(a), Number)
    assert_type(normwise.l2_norm(a, (0, 1), True), Array)
    assert_type(normwise.l1_norm(x, mask=x > 0, nan_policy="omit"), Tensor)
    assert_type(normwise.distance(x, t, float("inf"), weight=t, eps=1e-6), Tensor)
    assert_type(normwise.distance(a, b, p=1, broadcast=True), Array)
    assert_type(normwise.pairwise(x), Tensor)
    assert_type(normwise.pairwise(a, b, "huber", delta=2.0, reduce="mean", dim=-2), Array)
    normwise.pairwise(x, t, metric=normwise.l1_loss, mask=(x > 0, None))
    distances, indices = normwise.nearest(x, t, 3, metric="cosine")
    assert_type(indices, Tensor)
    assert_type(normwise.nearest(a, b, k=1).distances, Array)
    distances.backward()
    normwise.norm(x, "fro")  # error
    normwise.norm(x, axis=1)  # error
    normwise.distance(x)  # error
    normwise.pairwise(x, t, reduce="max")  # error
    normwise.pairwise(x, t, metric=3)  # error
    normwise.nearest(x, t)  # error
    normwise.nearest(x, t, 3).distance  # error


def losses_of_ones_own(x: Tensor, t: Tensor, a: Numbers, b: Numbers) -> None:
    @normwise.loss
    def lorentz(r: Any, c: float = 1.0) -> Any:
        return log1p((r / c) ** 2)

    @normwise.loss(domain={"c": normwise.losses["cauchy"].domain["c"]}, divisor="count", accepts=("integer",))
    def scaled(r: Any, scale: Any, c: float = 1.0) -> Any:
        return abs(r) / scale * c

    text = normwise.loss("sqrt(r**2 + eps**2) - eps", eps=4.0)
    assert_type(lorentz(x, t, c=t, weight=t), Tensor)
    assert_type(text(a, b, eps=2.0), Number)
    assert_type(scaled(a, b, a, reduction="none"), Array)
    print(normwise.explain(lorentz), normwise.Accumulator(text).compute(), lorentz.loss.name)
    lorentz(x, t, reduction="avg")  # error
    lorentz(x, b)  # error
    text(a)  # error
    normwise.loss("abs(r)", divisor="count")  # error
    normwise.loss(divisor="counts")  # error
    normwise.loss(3)  # error


def acceleration(model: torch.nn.Module, x: Tensor, t: Tensor) -> None:
    with normwise.accelerate(strict=False):
        torch.nn.functional.mse_loss(model(x), t).backward()
    normwise.acelerate()  # error


class Weighted(HuberLoss):
    def __init__(self, weight: Tensor) -> None:
        super().__init__(delta=2.0)
        self.weight = weight

    def forward(self, input: Tensor, target: Tensor, **options: Any) -> Tensor:
        return super().forward(input, target, weight=self.weight, **options)


def modules(x: Tensor, t: Tensor, w: Tensor, learned: torch.nn.Parameter) -> None:
    criterion = HuberLoss("sum", 2.0)
    assert_type(criterion(x, t, weight=w, mask=t > 0), Tensor)
    print(criterion.delta, criterion.reduction, criterion.loss.name, criterion.train(False).training)
    criterion.delta = 3.0
    torch.nn.Sequential(torch.nn.Linear(2, 2), criterion).to("cpu")
    assert_type(Weighted(w)(x, t, nan_policy="omit"), Tensor)
    assert_type(QuantileLoss(q=learned, reduction="none")(x, t).sum(), Tensor)
    nn.GaussianNLLLoss(full=True)(x, t, w)
    nn.StudentTNLLLoss(df=learned)(x, t, scale=w)
    nn.MSELoss()(x, t, dim=0, normalize="count")
    adaptive = nn.AdaptiveBarronLoss(3, alpha_init=1.5)
    torch.optim.SGD([adaptive.latent_alpha], lr=0.1)
    adaptive(x, t, weight=w).backward()
    print(adaptive.alpha.mean(), adaptive.c.shape, nn.Norm(p=1, dim=1)(x).shape, nn.Norm().p)
    assert_type(PairwiseDistance(p=1)(x, t, mask=t > 0), Tensor)
    assert_type(nn.DistanceMatrix("huber", delta=2.0)(x, reduce="sum", dim=-2), Tensor)
    target_model: torch.nn.HuberLoss = criterion
    print(target_model)
    normwise.nn.HubberLoss()  # error
    criterion.detla  # error
    HuberLoss(delat=2.0)  # error
    HuberLoss(delta="2")  # error
    HuberLoss(reduction="avg")  # error
    QuantileLoss(0.9)  # error
    QuantileLoss(q=0.9).p  # error
    criterion(x)  # error
    criterion(x, t, w)  # error
    criterion(x, t, weigth=w)  # error
    criterion(x, t.numpy())  # error
    criterion.forward(x, t, reduction="sum")  # error
    nn.GaussianNLLLoss()(x, t)  # error
    nn.Norm(order=1)  # error
    nn.Norm()(x, p=1)  # error
    nn.DistanceMatrix()(x, reduce="max")  # error
    adaptive.alfa  # error
    adaptive(x, t, nan_policy="ommit")  # error
