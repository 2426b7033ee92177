"""torch's function transforms, forward mode and higher orders: all agree with ordinary autograd on what is not hidden.

The oracle is each loss in torch's own operations, in float64, on the elements that exist and on no others: what a mask
hides never reaches it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch.autograd import forward_ad
from torch.autograd import functional as by_autograd
from torch.func import functional_call, functionalize, grad, hessian, jacfwd, jacrev, jvp, linearize, vjp, vmap
from torch.fx.experimental.proxy_tensor import make_fx

import normwise
from normwise.catalogue import Loss
from tests.oracles.torch_losses import TORCH, VALUES, selected
from tests.samples import Case, cases, smooth_residuals

pytestmark = [
    # torch itself calls it when forward-mode differentiation is first used.
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning"),
    # torch's own linearize says so of the graph that it makes.
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning"),
]

Tensor = torch.Tensor
INF, NAN = math.inf, math.nan
TORCHS = [case for case in cases() if case.loss.name in TORCH]
HIDDEN = [False, True, False, False, True, False]


@dataclass(frozen=True)
class Problem:
    """A loss, three arrays for it, and which of their elements do not exist."""

    case: Case
    arrays: tuple[Tensor, ...]
    """Prediction, target, and the weight if there is one."""
    exists: Tensor
    options: Mapping[str, Any]

    def ours(self, reduction: str = "mean") -> Callable[..., Tensor]:
        def function(x: Tensor, t: Tensor, weight: Tensor | None = None) -> Tensor:
            return self.case(x, t, weight=weight, reduction=reduction, **self.options)

        return function

    def expected(self, reduction: str = "mean") -> Callable[..., Tensor]:
        def function(x: Tensor, t: Tensor, weight: Tensor | None = None) -> Tensor:
            return selected(self.case.loss.name, self.case.parameters, x, t, self.exists, weight, reduction=reduction)

        return function

    @property
    def every(self) -> tuple[int, ...]:
        return tuple(range(len(self.arrays)))

    def tangents(self) -> tuple[Tensor, ...]:
        """A direction that is nan where nothing exists."""
        steps = torch.linspace(-2, 3, 6, dtype=torch.float64)
        return tuple((steps * (i + 1)).masked_fill(~self.exists, NAN) for i in self.every)


GIVEN = ["plain", "weight", "mask", "mask and weight", "omit", "omit and weight"]


@pytest.fixture(params=GIVEN)
def problem(case: Case, request: pytest.FixtureRequest) -> Problem:
    return problem_of(case, request.param)


def problem_of(case: Case, given: str) -> Problem:
    rng = np.random.default_rng(5)
    t = torch.tensor(rng.normal(size=6))
    x = t + torch.tensor(smooth_residuals(case, rng, 6))
    weight = torch.tensor([0.5, 1.0, 2.0, 0.75, 1.5, 0.25], dtype=torch.float64)
    exists, options = torch.ones(6, dtype=torch.bool), {}
    if given.startswith(("mask", "omit")):
        exists = ~torch.tensor(HIDDEN)
        t[1], t[4], x[1], weight[4] = NAN, NAN, INF, NAN
    if given.startswith("mask"):
        options, t[4], x[4] = {"mask": exists}, -INF, NAN
    if given.startswith("omit"):
        options = {"nan_policy": "omit"}
    return Problem(case, (x, t, weight) if given.endswith("weight") else (x, t), exists, options)


def close(ours: Any, expected: Any) -> None:
    torch.testing.assert_close(ours, expected, equal_nan=True, rtol=1e-9, atol=1e-11)


def ordinary(function: Callable[..., Tensor], arrays: tuple[Tensor, ...], order: int) -> tuple[Tensor, ...]:
    """The derivative of an order in every array, the last one taken along ones, by autograd with a graph."""
    leaves = [a.detach().requires_grad_() for a in arrays]
    value = function(*leaves)
    slopes = torch.autograd.grad(value, leaves, create_graph=True)
    for _ in range(order - 1):
        total = sum(s.nansum() for s in slopes)
        if not isinstance(total, Tensor) or not total.requires_grad:
            return tuple(torch.zeros_like(a) for a in leaves)
        found = torch.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
        slopes = tuple(torch.zeros_like(a) if s is None else s for s, a in zip(found, leaves, strict=True))
    return tuple(s.detach() for s in slopes)


def compiled_rarely(case: Case) -> list[str]:
    """What is asked of the fused kernels, each of which takes a second to compile: all of it for one loss only."""
    return ["plain", "mask and weight", "omit"] if case.loss.name == "smooth_l1" else ["plain"]


KERNELS = [(case, given) for case in cases() for given in compiled_rarely(case)]


@pytest.mark.parametrize(("some", "given"), KERNELS, ids=str)
def test_create_graph_serves_to_the_fourth_order(some: Case, given: str) -> None:
    problem = problem_of(some, given)
    for order in (1, 2, 3, 4):
        close(ordinary(problem.ours(), problem.arrays, order), ordinary(problem.expected(), problem.arrays, order))
        values, reference = problem.ours("none"), problem.expected("none")
        ours = ordinary(lambda *a, f=values: f(*a).sum(), problem.arrays, order)
        close(ours, ordinary(lambda *a, f=reference: f(*a).sum(), problem.arrays, order))


def test_grad_and_vjp_give_ordinary_gradients(problem: Problem) -> None:
    arrays, every = problem.arrays, problem.every
    expected = by_autograd.jacobian(problem.expected(), arrays)
    close(grad(problem.ours(), every)(*arrays), expected)
    value, pull = vjp(problem.ours(), *arrays)
    close(value, problem.expected()(*arrays))
    close(pull(torch.tensor(-3.0, dtype=torch.float64)), tuple(-3 * e for e in expected))
    values, pull = vjp(problem.ours("none"), *arrays)
    close(values, problem.expected("none")(*arrays))
    upstream = torch.linspace(1, 2, 6, dtype=torch.float64)
    expected = by_autograd.vjp(problem.expected("none"), arrays, upstream)[1]
    close(pull(upstream.masked_fill(~problem.exists, NAN)), expected)
    close(pull(upstream.masked_fill(~problem.exists, INF)), expected)


def test_jvp_and_dual_numbers_push_directions_forward(problem: Problem) -> None:
    arrays, directions = problem.arrays, problem.tangents()
    for reduction in ("none", "mean"):
        expected = by_autograd.jvp(problem.expected(reduction), arrays, tuple(d.nan_to_num() for d in directions))
        close(jvp(problem.ours(reduction), arrays, directions), expected)
        with forward_ad.dual_level():
            duals = [forward_ad.make_dual(a, d) for a, d in zip(arrays, directions, strict=True)]
            close(tuple(forward_ad.unpack_dual(problem.ours(reduction)(*duals))), expected)


@pytest.mark.parametrize("given", GIVEN)
def test_what_is_linearised_pushes_directions_forward(loss: Loss, given: str) -> None:
    """With one choice of the parameters, which are no part of the graph's form: it is traced anew each time."""
    problem = problem_of(Case(loss, loss.parameters), given)
    arrays, directions = problem.arrays, problem.tangents()
    for reduction in ("none", "mean"):
        _, expected = by_autograd.jvp(problem.expected(reduction), arrays, tuple(d.nan_to_num() for d in directions))
        close(linearize(problem.ours(reduction), *arrays)[1](*directions), expected)


def test_a_dual_number_may_stand_for_one_array_only(problem: Problem) -> None:
    for i in problem.every:
        directions = [d.nan_to_num() if j == i else torch.zeros(6).double() for j, d in enumerate(problem.tangents())]
        expected = by_autograd.jvp(problem.expected(), problem.arrays, tuple(directions))[1]
        with forward_ad.dual_level():
            arrays = list(problem.arrays)
            arrays[i] = forward_ad.make_dual(arrays[i], problem.tangents()[i])
            close(forward_ad.unpack_dual(problem.ours()(*arrays)).tangent, expected)


def test_jacobians_by_either_mode_are_ordinary_ones(problem: Problem) -> None:
    for reduction in ("none", "mean"):
        expected = by_autograd.jacobian(problem.expected(reduction), problem.arrays)
        for transform in (jacrev, jacfwd):
            close(transform(problem.ours(reduction), problem.every)(*problem.arrays), expected)
        by_forward_mode = by_autograd.jacobian(
            problem.ours(reduction), problem.arrays, vectorize=True, strategy="forward-mode"
        )
        close(by_forward_mode, expected)


def test_hessians_by_every_nesting_are_ordinary_ones(problem: Problem) -> None:
    arrays, every = problem.arrays, problem.every
    expected = by_autograd.hessian(problem.expected(), arrays)
    close(hessian(problem.ours(), every)(*arrays), expected)
    for outer in (jacrev, jacfwd):
        for inner in (jacrev, jacfwd):
            close(outer(inner(problem.ours(), every), every)(*arrays), expected)


def test_a_hessian_times_a_vector_comes_by_every_nesting(problem: Problem) -> None:
    x, *others = problem.arrays
    direction = problem.tangents()[0]
    slope = grad(problem.ours())
    expected = by_autograd.hvp(lambda x: problem.expected()(x, *others), x, direction.nan_to_num())[1]
    close(jvp(lambda x: slope(x, *others), (x,), (direction,))[1], expected)
    close(vjp(lambda x: slope(x, *others), x)[1](direction)[0], expected)
    close(grad(lambda x: jvp(lambda x: problem.ours()(x, *others), (x,), (direction.nan_to_num(),))[1])(x), expected)


def test_grad_of_grad_of_grad_is_the_third_derivative(problem: Problem) -> None:
    def summed(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return lambda *arrays: function(*arrays).sum()

    third = grad(summed(grad(summed(grad(problem.ours())))))(*problem.arrays)
    assert third.shape == (6,)
    leaf = problem.arrays[0].detach().requires_grad_()
    expected = problem.expected()(leaf, *problem.arrays[1:])
    for _ in range(3):
        if expected.requires_grad:
            [expected] = torch.autograd.grad(expected.sum(), leaf, create_graph=True)
        else:
            expected = torch.zeros(6, dtype=torch.float64)
    close(third, expected.detach())


def test_samples_have_gradients_of_their_own(problem: Problem) -> None:
    """`vmap(grad)`: each sample with its own target, weight and mask."""
    batches = tuple(torch.stack([a, a.flip(0), -2 * a.abs().neg()]) for a in problem.arrays)
    exists = torch.stack([problem.exists, problem.exists.flip(0), problem.exists])
    given = (exists,) if "mask" in problem.options else ()

    def sample(*arrays: Tensor) -> Tensor:
        weight = arrays[2] if len(problem.arrays) == 3 else None
        mask = {"mask": arrays[-1]} if given else {}
        return problem.case(arrays[0], arrays[1], weight=weight, **{**problem.options, **mask})

    found = vmap(grad(sample, problem.every))(*batches, *given)
    values = vmap(sample)(*batches, *given)
    chunked = vmap(sample, chunk_size=2)(*batches, *given)
    close(chunked, values)
    for i in range(3):
        single = Problem(problem.case, tuple(b[i] for b in batches), exists[i], {})
        close(values[i], single.expected()(*single.arrays))
        close(tuple(f[i] for f in found), by_autograd.jacobian(single.expected(), single.arrays))


def test_what_all_samples_share_is_not_batched(problem: Problem) -> None:
    x, *others = problem.arrays
    inputs = torch.stack([x, x + 0.01, 3 - x])
    expected = torch.stack([problem.expected()(row, *others) for row in inputs])
    nones = [None] * len(others)
    close(vmap(problem.ours(), (0, *nones))(inputs, *others), expected)
    close(vmap(problem.ours(), (1, *nones))(inputs.T, *others), expected)
    values = torch.stack([problem.expected("none")(row, *others) for row in inputs], 1)
    close(vmap(problem.ours("none"), (0, *nones), 1)(inputs, *others), values)
    both = vmap(vmap(problem.ours(), (0, *nones)), (0, *nones))
    close(both(inputs[:, None].expand(3, 2, 6), *others), expected[:, None].expand(3, 2))
    slopes = torch.stack([by_autograd.jacobian(lambda r: problem.expected()(r, *others), r) for r in inputs])
    close(vmap(grad(problem.ours()), (0, *nones))(inputs, *others), slopes)


def test_the_mask_the_weight_and_the_divisor_alone_may_be_batched(case: Case) -> None:
    whole = problem_of(case, "mask and weight")
    x, t, _ = whole.arrays
    mask, weights = torch.rand(4, 6) < 0.7, torch.rand(4, 6, dtype=torch.float64)
    mask = (mask & whole.exists).index_fill(1, torch.tensor([0]), True)
    found = vmap(lambda m: case(x, t, mask=m))(mask)
    close(found, torch.stack([Problem(case, (x, t), m, {}).expected()(x, t) for m in mask]))
    found = vmap(lambda w: case(x, t, weight=w, mask=whole.exists))(weights)
    close(found, torch.stack([whole.expected()(x, t, w) for w in weights]))
    divisors = torch.tensor([2.0, 5.0], dtype=torch.float64)
    found = vmap(lambda n: case(x, t, mask=whole.exists, normalize=n))(divisors)
    close(found, whole.expected("none")(x, t).sum() / divisors)


def test_a_learned_divisor_is_differentiated_by_every_transform(case: Case) -> None:
    x, t = problem_of(case, "plain").arrays
    n, total = torch.tensor(3.0, dtype=torch.float64), case(x, t, reduction="sum")

    def divided(n: Tensor) -> Tensor:
        return case(x, t, normalize=n)

    close(grad(divided)(n), -total / 9)
    close(jvp(divided, (n,), (torch.ones_like(n),))[1], -total / 9)
    close(hessian(divided)(n), 2 * total / 27)


def test_a_model_has_per_sample_gradients(case: Case) -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2, dtype=torch.float64)
    features, targets = torch.randn(2, 5, 3, dtype=torch.float64).unbind()[0], torch.randn(5, 2, dtype=torch.float64)
    targets[2, 1] = NAN
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def loss_of(parameters: dict[str, Tensor], row: Tensor, target: Tensor) -> Tensor:
        return case(functional_call(model, parameters, (row,)), target, nan_policy="omit")

    found = vmap(grad(loss_of), in_dims=(None, 0, 0))(parameters, features, targets)
    for i in range(5):
        there = ~targets[i].isnan()
        expected = VALUES[case.loss.name](
            model(features[i])[there], targets[i][there], reduction="none", **case.parameters
        ).mean()
        for name, parameter in model.named_parameters():
            close(found[name][i], torch.autograd.grad(expected, parameter, retain_graph=True)[0])


@pytest.mark.parametrize("known", TORCHS, ids=str)
def test_at_kinks_and_infinity_the_transforms_give_torchs_gradient(known: Case) -> None:
    ends = [p for v in known.parameters.values() for p in (v, -v)]
    x = torch.tensor([0.0, -0.0, *ends, INF, -INF, NAN, 1e300], dtype=torch.float64)
    leaf, t = x.clone().requires_grad_(), torch.zeros_like(x)
    TORCH[known.loss.name](leaf, t, reduction="sum", **known.parameters).backward()
    assert leaf.grad is not None

    def alone(x: Tensor, t: Tensor) -> Tensor:
        return known(x, t, reduction="sum")

    close(grad(alone)(x, t), leaf.grad)
    close(vmap(grad(alone))(x, t), leaf.grad)
    close(vmap(jacfwd(alone))(x, t), leaf.grad)
    directions = torch.eye(len(x), dtype=torch.float64)
    finite = leaf.grad.isfinite()
    pushed = vmap(lambda d: jvp(lambda x: known(x, t, reduction="none"), (x,), (d,))[1])(directions)
    close(pushed.diagonal()[finite], leaf.grad[finite])


@pytest.mark.parametrize("known", TORCHS, ids=str)
def test_at_kinks_the_transforms_give_torchs_curvature(known: Case) -> None:
    ends = [p for v in known.parameters.values() for p in (v, -v) if math.isfinite(v)]
    x = torch.tensor([0.0, *ends, 0.3, -9.0], dtype=torch.float64)
    t = torch.zeros_like(x)
    expected = by_autograd.hessian(lambda x: TORCH[known.loss.name](x, t, **known.parameters), x)
    for transform in (hessian, lambda f: jacfwd(jacfwd(f)), lambda f: jacrev(jacrev(f)), lambda f: jacrev(jacfwd(f))):
        close(transform(lambda x: known(x, t))(x), expected)


def test_with_nothing_there_the_mean_is_nan_and_its_derivatives_are_zero(case: Case) -> None:
    x = torch.tensor([1.0, NAN, INF], dtype=torch.float64)
    t, mask = torch.zeros_like(x), torch.zeros(3, dtype=torch.bool)

    def mean(x: Tensor) -> Tensor:
        return case(x, t, mask=mask)

    assert mean(x).isnan()
    for transform in (grad, jacrev, jacfwd):
        assert transform(lambda x: case(x, t, mask=mask, reduction="sum"))(x).tolist() == [0, 0, 0]
    assert grad(mean)(x).tolist() == [0, 0, 0]
    assert hessian(mean)(x).tolist() == [[0, 0, 0]] * 3
    assert vmap(grad(mean))(torch.stack([x, -x])).tolist() == [[0, 0, 0]] * 2


def test_empty_input_passes_through_the_transforms(loss: Loss) -> None:
    function, empty = getattr(normwise, loss.function), torch.empty(0)
    assert grad(function)(empty, empty).shape == (0,)
    assert jacfwd(function)(empty, empty).shape == (0,)
    assert vmap(function)(torch.empty(2, 0), torch.empty(2, 0)).isnan().all()
    assert vmap(function)(torch.empty(0, 4), torch.empty(0, 4)).shape == (0,)


@pytest.mark.parametrize("given", ["plain", "weight"])
def test_functionalised_calls_are_the_same_and_hold_no_mutation(loss: Loss, given: str) -> None:
    """Of what is hidden the derivative is torch's own there: functionalize knows no functions but torch's."""
    problem = problem_of(Case(loss, loss.parameters), given)
    arrays, slope = problem.arrays, functionalize(grad(problem.ours(), problem.every), remove="mutations_and_views")
    expected = by_autograd.jacobian(problem.expected(), arrays)
    close(functionalize(problem.ours())(*arrays), problem.expected()(*arrays))
    close(slope(*arrays), expected)
    traced = make_fx(lambda *a: slope(*a))(*arrays)  # noqa: PLW0108  (grad's own signature hides the arguments)
    called = [node.target for node in traced.graph.nodes if node.op == "call_function"]
    assert len(called) > 0
    assert [str(t) for t in called if t._schema.is_mutable] == []
    close(traced(*arrays), expected)
