"""torch's likelihood losses and ours: functions, modules, positional arguments, gradients, and in others' code."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats

import normwise
from normwise import ShapeMismatchError

torch.manual_seed(0)
X, T, V = torch.randn(6, 4), torch.randn(6, 4), torch.rand(6, 4)
COUNTS = torch.poisson(torch.full((6, 4), 2.5))
CALLS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "gaussian": ("gaussian_nll_loss", (X, T, V), {}),
    "gaussian, full": ("gaussian_nll_loss", (X, T, V, True, 0.3, "sum"), {}),
    "gaussian, a variance for each row": ("gaussian_nll_loss", (X, T, V[:, 0]), {}),
    "gaussian, a column of variances": ("gaussian_nll_loss", (X, T, V[:, :1]), {"reduction": "none"}),
    "gaussian, one variance": ("gaussian_nll_loss", (X, T, 0.5), {}),
    "gaussian, no variance at all": ("gaussian_nll_loss", (X, T, torch.zeros(6, 4)), {}),
    "poisson": ("poisson_nll_loss", (X, COUNTS), {}),
    "poisson of rates": ("poisson_nll_loss", (X.exp(), COUNTS), {"log_input": False}),
    "poisson, full": ("poisson_nll_loss", (X, COUNTS, True, True), {"reduction": "sum"}),
    "poisson of rates, full": ("poisson_nll_loss", (X.abs(), COUNTS, False, True, None, 1e-3, None, "none"), {}),
}


def leaves(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments, of which the floating tensors need gradients."""
    return tuple(a.clone().requires_grad_() if isinstance(a, torch.Tensor) else a for a in arguments)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("way", ["function", "accelerate"])
def test_values_and_gradients_are_torchs(call: str, way: str) -> None:
    name, arguments, keywords = CALLS[call]
    theirs, ours = leaves(arguments), leaves(arguments)
    expected = getattr(F, name)(*theirs, **keywords)
    if way == "function":
        found = getattr(normwise, name)(*ours, **keywords)
    else:
        with normwise.accelerate():
            found = getattr(F, name)(*ours, **keywords)
        assert type(found.grad_fn) is not type(expected.grad_fn)
    torch.testing.assert_close(found, expected)
    upstream = torch.rand(expected.shape)
    expected.backward(upstream)
    found.backward(upstream)
    for mine, other in zip(ours, theirs, strict=True):
        if isinstance(mine, torch.Tensor):
            assert mine.grad.isfinite().all()
            # torch differentiates Stirling's 0 log 0 too, which it does not add, and so sends nan to a count of 0.
            torch.testing.assert_close(
                torch.where(other.grad.isnan(), torch.nan, mine.grad), other.grad, equal_nan=True
            )


@pytest.mark.parametrize("name", ["GaussianNLLLoss", "PoissonNLLLoss"])
def test_modules_have_torchs_constructors_and_attributes(name: str) -> None:
    theirs, ours = getattr(torch.nn, name), getattr(normwise.nn, name)
    assert issubclass(ours, theirs)
    assert inspect.signature(ours) == inspect.signature(theirs)
    given = {"full": True, "eps": 0.25, "reduction": "sum"}
    arguments = (X, T, V) if name.startswith("Gaussian") else (X, COUNTS)
    torch.testing.assert_close(ours(**given)(*arguments), theirs(**given)(*arguments))
    torch.testing.assert_close(ours(full=True)(*arguments, weight=V), ours()(*arguments, weight=V) + constant(name))
    assert {n: v for n, v in vars(ours(**given)).items() if n in given} == given


def constant(name: str) -> Any:
    """What `full` adds to the weighted mean, by torch."""
    if name.startswith("Gaussian"):
        return torch.tensor(0.9189385332046727)
    both = [F.poisson_nll_loss(X, COUNTS, full=full, reduction="none") for full in (True, False)]
    return ((both[0] - both[1]) * V).sum() / V.sum()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((X, T, -V), "negative"), ((X, T, V[:3]), "var is of incorrect size")],
    ids=["negative", "size"],
)
def test_what_torch_refuses_is_refused_as_a_value_error(arguments: tuple[Any, ...], words: str) -> None:
    for function in (F.gaussian_nll_loss, normwise.gaussian_nll_loss):
        with pytest.raises(ValueError, match=words):
            function(*arguments)


def test_they_compile_in_one_graph() -> None:
    for name, arguments, keywords in (CALLS["gaussian, full"], CALLS["poisson of rates"]):
        function = getattr(normwise, name)
        compiled = torch.compile(lambda *a, f=function, k=keywords: f(*a, **k), fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled(*arguments), function(*arguments, **keywords))


BY_HAND = {
    "gaussian_nll": lambda r, v: 0.5 * (np.log(v) + r * r / v),
    "laplace_nll": lambda r, b: np.abs(r) / b + np.log(2 * b),
    "student_t_nll": lambda r, s: -stats.t.logpdf(r / s, 3.0) + np.log(s),
}


@pytest.mark.parametrize("shapes", [((4, 1), (4, 1)), ((4, 1), (1, 5)), ((5,), (4, 5)), ((2, 4, 3), (4, 3))], ids=str)
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
@pytest.mark.parametrize("name", BY_HAND)
def test_a_number_for_each_row_is_one_whether_shapes_broadcast_or_not(
    name: str, kind: Callable[[Any], Any], shapes: tuple[tuple[int, ...], tuple[int, ...]], rng: np.random.Generator
) -> None:
    x, t = (rng.normal(size=shape) for shape in shapes)
    rows = np.broadcast_shapes(*shapes)[:-1]
    scale = rng.uniform(0.5, 2.0, size=rows)
    right = BY_HAND[name](x - t, scale[..., None]).sum()
    function = getattr(normwise, f"{name}_loss")
    given = [kind(a) for a in (x, t, scale)]
    for broadcast in {True, shapes[0] != shapes[1]}:
        assert float(function(*given, reduction="sum", broadcast=broadcast)) == pytest.approx(right, rel=1e-12)


def test_the_array_that_does_not_fit_is_named() -> None:
    x = torch.ones(4, 5)
    for broadcast in (False, True):
        with pytest.raises(ShapeMismatchError, match=r"\bvar is \(3,\)"):
            normwise.gaussian_nll_loss(x, x, torch.ones(3), broadcast=broadcast)
