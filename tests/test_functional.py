"""Every loss by every engine, dtype, reduction and weight, against exact values and derivatives."""

import contextlib
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import array_api_strict
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import normwise
from normwise.catalogue import Loss
from tests.oracles.sympy_language import exact
from tests.oracles.torch_losses import TORCH
from tests.samples import Case, smooth_residuals

Array = npt.NDArray[Any]
REDUCTIONS = ("none", "sum", "mean")


class Watching(TorchDispatchMode):
    """Under a mode, torch's own operations compute: the fused kernels would hide them from it."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return func(*args, **(kwargs or {}))


def on_arrays(asarray: Callable[..., Any]) -> Callable[..., tuple[Array, Array | None]]:
    def computed(case: Case, x: Array, t: Array, weight: Array | None, reduction: str) -> tuple[Array, Array | None]:
        keywords = {**case.parameters, "weight": None if weight is None else asarray(weight)}
        with np.errstate(all="ignore"):
            value = case.function(asarray(x), asarray(t), reduction=reduction, **keywords)
            if reduction == "none":
                return np.asarray(value), None
            again, gradient = normwise.value_and_grad(case.loss)(
                asarray(x), asarray(t), reduction=reduction, **keywords
            )
        assert np.asarray(again) == np.asarray(value) or asarray is not np.asarray
        return np.asarray(value), np.asarray(gradient)

    return computed


def on_torch(mode: Callable[[], Any]) -> Callable[..., tuple[Array, Array | None]]:
    def computed(case: Case, x: Array, t: Array, weight: Array | None, reduction: str) -> tuple[Array, Array | None]:
        with mode():
            input = torch.tensor(x, requires_grad=True)
            w = None if weight is None else torch.tensor(weight)
            value = case(input, torch.tensor(t), weight=w, reduction=reduction)
            assert value.requires_grad
            if reduction == "none":
                return value.detach().numpy(), None
            value.backward()
        assert input.grad is not None
        return value.detach().numpy(), input.grad.numpy()

    return computed


ENGINES: Mapping[str, Callable[..., tuple[Array, Array | None]]] = {
    "numpy, fused": on_arrays(np.asarray),
    "torch, fused": on_torch(contextlib.nullcontext),
    "torch operations": on_torch(Watching),
    "array_api_strict": on_arrays(array_api_strict.asarray),
}


def reduced(values: Array, weight: Array | None, reduction: str, divisor: str) -> Array:
    """The definition of a reduction, in float64."""
    weighted = values if weight is None else values * weight
    if reduction == "none":
        return weighted
    if reduction == "sum":
        return weighted.sum()
    return weighted.sum() / (weight.sum() if weight is not None and divisor == "weight" else values.size)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weight"])
@pytest.mark.parametrize("engine", ENGINES)
def test_values_and_gradients_are_exact_to_rounding(
    case: Case, engine: str, weighted: bool, dtype: str, rng: np.random.Generator
) -> None:
    r = smooth_residuals(case, rng, 24).reshape(4, 6)
    t = rng.normal(size=r.shape).astype(dtype)
    x = (r + t).astype(dtype)
    weight = rng.uniform(0.5, 2, r.shape).astype(dtype) if weighted else None
    wide = [None if a is None else a.astype(np.float64) for a in (x, t, weight)]
    values, slopes = exact(case, (), wide[0], wide[1]), exact(case, ("x",), wide[0], wide[1])
    rtol = 2e-6 if dtype == "float32" else 2e-14
    for reduction in REDUCTIONS:
        value, gradient = ENGINES[engine](case, x, t, weight, reduction)
        expected = reduced(values, wide[2], reduction, case.loss.divisor)
        assert value.dtype == dtype
        # float32 inputs cancel in x - t: the error is relative to them.
        np.testing.assert_allclose(value, expected, rtol=rtol, atol=rtol * float(np.abs(expected).max()))
        if gradient is not None:
            ones = reduced(slopes, wide[2], "none", "")
            scale = 1 if reduction == "sum" else reduced(np.ones(r.shape), wide[2], "sum", "") / r.size
            divisor = r.size if wide[2] is None or case.loss.divisor == "count" else wide[2].sum()
            expected = ones if reduction == "sum" else ones / divisor
            assert scale > 0
            assert gradient.dtype == dtype
            np.testing.assert_allclose(gradient, expected, rtol=10 * rtol, atol=rtol * float(np.abs(expected).max()))


@pytest.mark.parametrize("name", TORCH)
def test_the_signature_begins_with_torchs(name: str) -> None:
    ours = inspect.signature(getattr(normwise, f"{name}_loss")).parameters
    for place, (key, parameter) in enumerate(inspect.signature(TORCH[name]).parameters.items()):
        if ours[key].kind is ours[key].POSITIONAL_OR_KEYWORD:
            assert list(ours)[place] == key
        assert ours[key].default == parameter.default


def test_parameters_beside_torchs_are_keyword_only(loss: Loss) -> None:
    arguments = inspect.signature(getattr(normwise, loss.function)).parameters
    torchs = inspect.signature(TORCH[loss.name]).parameters if loss.name in TORCH else {}
    for name in {*loss.parameters, "weight", "broadcast", "reduction"} - set(torchs):
        assert arguments[name].kind is arguments[name].KEYWORD_ONLY


LEGACY = [(size_average, reduce) for size_average in (None, True, False, 0) for reduce in (None, True, False)][1:]


@pytest.mark.parametrize(("size_average", "reduce"), LEGACY)
@pytest.mark.parametrize("name", ["l1", "mse", "smooth_l1"])
def test_the_deprecated_arguments_mean_what_they_mean_in_torch(
    name: str, size_average: bool | None, reduce: bool | None
) -> None:
    x, t = torch.randn(2, 5, generator=torch.Generator().manual_seed(1))
    with pytest.warns(UserWarning, match="will be deprecated") as theirs:
        expected = TORCH[name](x, t, size_average, reduce, "none")
    with pytest.warns(UserWarning, match="will be deprecated") as ours:
        value = getattr(normwise, f"{name}_loss")(x, t, size_average, reduce, "none")
    torch.testing.assert_close(value, expected)
    assert str(ours[0].message) == str(theirs[0].message)


def test_the_warning_shows_the_callers_line() -> None:
    for keywords in ({"reduce": True}, {"reduction": "elementwise_mean"}):
        with pytest.warns(UserWarning, match="deprecated") as caught:
            normwise.l1_loss(np.ones(2), np.ones(2), **keywords)
        assert caught[0].filename == __file__


@pytest.mark.parametrize("name", ["l1", "mse", "smooth_l1"])
def test_a_deprecated_argument_is_not_mistaken_for_the_reduction(name: str) -> None:
    with pytest.warns(UserWarning, match="reduction='mean'"):
        assert getattr(normwise, f"{name}_loss")(torch.ones(4), torch.zeros(4), "sum") <= 1


def test_elementwise_mean_is_the_mean(loss: Loss) -> None:
    function, x, t = getattr(normwise, loss.function), np.arange(4.0), np.ones(4)
    with pytest.warns(UserWarning, match="please use reduction='mean'|Please use reduction='mean'"):
        assert function(x, t, reduction="elementwise_mean") == function(x, t)


def test_an_unknown_reduction_is_named(loss: Loss) -> None:
    with pytest.raises(ValueError, match=r"^foo is not a valid value for reduction"):
        getattr(normwise, loss.function)(torch.ones(2), torch.ones(2), reduction="foo")


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("value", [-1.0, -math.inf, math.nan, 0.0, -0.0, -5e-324])
def test_a_parameter_out_of_its_domain_raises_what_torch_raises(name: str, value: float) -> None:
    for parameter in normwise.losses[name].parameters:
        ours, theirs = getattr(normwise, f"{name}_loss"), TORCH[name]
        x, t = torch.ones(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
        try:
            expected = theirs(x, t, **{parameter: value})
        except RuntimeError as error:
            with pytest.raises(RuntimeError) as raised:
                ours(x, t, **{parameter: value})
            assert str(raised.value).startswith(str(error).splitlines()[0])
            assert f"{parameter}={value:g}" in str(raised.value)
        else:
            torch.testing.assert_close(ours(x, t, **{parameter: value}), expected)


def test_a_parameter_that_is_no_number_is_refused() -> None:
    x = np.ones(3)
    for value in ("2", None, 1j):
        with pytest.raises(ValueError, match="huber takes a real number for delta"):
            normwise.huber_loss(x, x, delta=value)


def test_a_parameter_may_be_any_real_number() -> None:
    x, t = np.full(3, 2.0), np.zeros(3)
    for value in (3, np.float32(3), np.array(3.0), torch.tensor(3.0), torch.tensor([3.0])):
        assert normwise.huber_loss(x, t, delta=value) == 2.0


def test_a_parameter_that_a_loss_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="beta"):
        normwise.huber_loss(np.ones(3), np.ones(3), beta=1.0)


@pytest.fixture
def cubic(catalogue: None) -> Any:
    @normwise.loss
    def cubic(r: Any, scale: Any = 2.0) -> Any:
        return abs(r / scale) ** 3

    return cubic


def test_a_loss_of_ones_own_works_at_once(cubic: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from normwise.libraries import torch_graph

    def refuse(*arguments: Any) -> None:
        pytest.fail("the fused kernel was not taken")

    monkeypatch.setattr(torch_graph, "with_operations", refuse)
    x, t = np.array([1.0, -2.0, 3.0]), np.zeros(3)
    assert normwise.losses["cubic"] is cubic.loss
    assert cubic(x, t, scale=1.0, reduction="sum") == 36.0
    value, gradient = normwise.value_and_grad(cubic)(x, t, scale=1.0, reduction="sum")
    assert value == 36.0
    np.testing.assert_array_equal(gradient, [3.0, -12.0, 27.0])
    input = torch.tensor(x, requires_grad=True)
    total = normwise.functional.cubic_loss(input, torch.tensor(t), scale=1.0, reduction="sum")
    total.backward()
    np.testing.assert_array_equal(input.grad.numpy(), gradient)  # type: ignore[union-attr]
    assert type(total.grad_fn).__name__ == "CubicLossBackward"
    module = normwise.nn.CubicLoss(scale=1.0, reduction="sum")
    assert module(input, torch.tensor(t)) == 36.0
    assert normwise.cubic_loss(input, torch.tensor(t), reduction="none").shape == (3,)


def test_a_loss_of_ones_own_may_be_redefined(cubic: Any) -> None:
    assert normwise.cubic_loss(np.ones(2), np.zeros(2)) == 0.125

    @normwise.loss
    def cubic(r: Any) -> Any:
        return abs(r) ** 3

    assert normwise.cubic_loss(np.ones(2), np.zeros(2)) == 1.0
    assert normwise.nn.CubicLoss()(torch.ones(2), torch.zeros(2)) == 1.0


def test_a_name_that_is_no_loss_is_no_attribute() -> None:
    for module in (normwise, normwise.functional):
        with pytest.raises(AttributeError, match="no_such_loss"):
            _ = module.no_such_loss
    with pytest.raises(AttributeError, match="NoSuchLoss"):
        _ = normwise.nn.NoSuchLoss


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("far", [math.inf, -math.inf])
def test_an_infinite_constant_is_a_value_like_others(engine: str, far: float) -> None:
    @normwise.loss
    def walled(r: Any) -> Any:
        return normwise.formula.where(abs(r) < 1, r * r, far)

    case = Case(walled.loss, {})
    value, _ = ENGINES[engine](case, np.array([0.5, 2.0]), np.zeros(2), None, "none")
    np.testing.assert_array_equal(value, [0.25, far])


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("engine", ["numpy, fused", "torch, fused", "torch operations"])
def test_further_arrays_are_read_in_order(engine: str) -> None:
    @normwise.loss
    def gaussian(r: Any, scale: Any, offset: Any = 0.5) -> Any:
        return 0.5 * (r / scale) ** 2 + normwise.formula.log(scale) + offset

    x, t, scale = np.array([[1.0, 2.0], [3.0, -4.0]]), np.ones((2, 2)), np.array([[1.0, 2.0], [0.5, 8.0]])
    expected = np.mean(0.5 * ((x - t) / scale) ** 2 + np.log(scale) + 0.25)
    if engine == "numpy, fused":
        assert gaussian(x, t, scale, offset=0.25) == pytest.approx(expected)
        return
    mode = Watching if engine == "torch operations" else contextlib.nullcontext
    with mode():
        arrays = [torch.tensor(a, requires_grad=True) for a in (x, t, scale)]
        assert torch.autograd.gradcheck(lambda *a: gaussian(*a, offset=0.25), arrays)
        assert gaussian(*arrays, offset=0.25).item() == pytest.approx(expected)


def test_value_and_grad_takes_a_loss_by_any_name() -> None:
    x, t = np.array([1.0, 3.0]), np.zeros(2)
    for name in ("mse", "mse_loss", normwise.mse_loss, normwise.losses["mse"]):
        value, gradient = normwise.value_and_grad(name)(x, t)
        assert value == 5.0
        np.testing.assert_array_equal(gradient, [1.0, 3.0])


@pytest.mark.parametrize("name", ["mea", 3, None])
def test_value_and_grad_of_what_is_no_loss_is_refused(name: Any) -> None:
    with pytest.raises(ValueError, match=r"there is no loss 'mea'|is no loss: expected a name"):
        normwise.value_and_grad(name)


def test_value_and_grad_of_unreduced_values_is_refused(loss: Loss) -> None:
    with pytest.raises(ValueError, match="reduction='none' is not one array"):
        normwise.value_and_grad(loss)(np.ones(3), np.ones(3), reduction="none")


@pytest.mark.parametrize(
    ("x", "t"),
    [
        (np.ones(3, np.float32), np.zeros(3, np.float64)),
        (np.ones(3, np.float16), np.zeros(3, np.float16)),
        (np.ones((3, 1)), np.zeros((1, 4))),
        (np.ones(4), np.zeros((3, 4))),
    ],
    ids=["mixed", "half", "outer", "row"],
)
def test_the_gradient_has_the_shape_and_dtype_of_the_input(loss: Loss, x: Array, t: Array) -> None:
    numpys = normwise.value_and_grad(loss)(x, t, broadcast=True, reduction="sum")[1]
    torchs = normwise.value_and_grad(loss)(torch.tensor(x), torch.tensor(t), broadcast=True, reduction="sum")[1]
    assert torchs.shape == x.shape
    assert torchs.numpy().dtype == x.dtype
    assert numpys.shape == x.shape
    assert numpys.dtype == x.dtype
    np.testing.assert_allclose(numpys, torchs.numpy(), rtol=1e-3)
