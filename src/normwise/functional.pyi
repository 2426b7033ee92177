"""The losses as functions of torch tensors, NumPy arrays, and any array of the array API standard."""

# Written by `make docs` from the catalogue (normwise/stubs.py): edit that.

# The first overload is a special case of the second, of another type.
# pyright: reportOverlappingOverload=false
# mypy: disable-error-code="overload-overlap"

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from normwise.catalogue import Interval, Loss

_A = TypeVar("_A")

class _StandardArray(Protocol):
    """An array of the array API standard."""

    def __array_namespace__(self, *, api_version: Any = None) -> Any: ...

class _Nearest(NamedTuple, Generic[_A]):
    distances: _A
    indices: _A

NORMS: tuple[str, ...]

class _LossFunction(Protocol):
    loss: Loss
    @overload
    def __call__(
        self, input: NDArray[Any], target: NDArray[Any], *arrays: float | np.floating[Any] | NDArray[Any],
        reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
        mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        dim: None = None, keepdim: Literal[False] = False,
        normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
        broadcast: bool = False, **parameters: float | np.floating[Any] | NDArray[Any],
    ) -> np.floating[Any]: ...
    @overload
    def __call__(
        self, input: NDArray[Any], target: NDArray[Any], *arrays: float | np.floating[Any] | NDArray[Any],
        reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
        mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
        normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
        broadcast: bool = False, **parameters: float | np.floating[Any] | NDArray[Any],
    ) -> NDArray[Any] | Any: ...
    @overload
    def __call__(
        self, input: Tensor, target: Tensor, *arrays: float | Tensor,
        reduction: Literal["none", "sum", "mean"] = "mean", weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
        keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
        broadcast: bool = False, **parameters: float | Tensor,
    ) -> Tensor: ...
    @overload
    def __call__(
        self, input: _StandardArray, target: _StandardArray, *arrays: float | _StandardArray,
        reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
        mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
        normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
        **parameters: float | _StandardArray,
    ) -> Any: ...

class _ValueAndGradient(Protocol):
    @overload
    def __call__(
        self, input: NDArray[Any], target: NDArray[Any], *arrays: float | np.floating[Any] | NDArray[Any],
        reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
        mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
        broadcast: bool = False, **parameters: float | np.floating[Any] | NDArray[Any],
    ) -> tuple[np.floating[Any], NDArray[Any]] | Any: ...
    @overload
    def __call__(
        self, input: Tensor, target: Tensor, *arrays: float | Tensor, reduction: Literal["mean", "sum"] = "mean",
        weight: Tensor | None = None, mask: Tensor | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
        **parameters: float | Tensor,
    ) -> tuple[Tensor, Tensor]: ...
    @overload
    def __call__(
        self, input: _StandardArray, target: _StandardArray, *arrays: float | _StandardArray,
        reduction: Literal["mean", "sum"] = "mean", weight: _StandardArray | None = None,
        mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
        **parameters: float | _StandardArray,
    ) -> tuple[Any, Any]: ...

class _Gradient(Protocol):
    @overload
    def __call__(
        self, input: NDArray[Any], target: NDArray[Any], *arrays: float | np.floating[Any] | NDArray[Any],
        weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", broadcast: bool = False,
        **parameters: float | np.floating[Any] | NDArray[Any],
    ) -> NDArray[Any] | Any: ...
    @overload
    def __call__(
        self, input: Tensor, target: Tensor, *arrays: float | Tensor, weight: Tensor | None = None,
        mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
        broadcast: bool = False, **parameters: float | Tensor,
    ) -> Tensor: ...
    @overload
    def __call__(
        self, input: _StandardArray, target: _StandardArray, *arrays: float | _StandardArray,
        weight: _StandardArray | None = None, mask: _StandardArray | None = None,
        nan_policy: Literal["propagate", "omit", "raise"] = "propagate", broadcast: bool = False,
        **parameters: float | _StandardArray,
    ) -> Any: ...

def face_of(kind: type) -> Any: ...

def function_of(loss: Loss) -> Callable[..., Any]: ...

@overload
def loss(formula: str, /, *, arrays: Iterable[str] = (), **parameters: float) -> _LossFunction:
    """Make a loss of one's own formula: a fused function with gradients of every order, and all else that a loss has."""
@overload
def loss(
    formula: Callable[..., Any], /, *, domain: Mapping[str, Interval] | None = None,
    divisor: Literal["weight", "count"] = "weight",
    accepts: tuple[Literal["integer", "count", "complex"], ...] = (), module: str | None = None,
    minimiser: str = "", noise: str = "", finish: Callable[..., Any] | None = None,
    beside: tuple[Callable[..., Any], ...] = (),
) -> _LossFunction:
    """Make a loss of one's own formula: a fused function with gradients of every order, and all else that a loss has."""
@overload
def loss(
    formula: None = None, /, *, domain: Mapping[str, Interval] | None = None,
    divisor: Literal["weight", "count"] = "weight",
    accepts: tuple[Literal["integer", "count", "complex"], ...] = (), module: str | None = None,
    minimiser: str = "", noise: str = "", finish: Callable[..., Any] | None = None,
    beside: tuple[Callable[..., Any], ...] = (),
) -> Callable[[Callable[..., Any]], _LossFunction]:
    """Make a loss of one's own formula: a fused function with gradients of every order, and all else that a loss has."""

def gradient(loss: str | Loss | Callable[..., Any]) -> _Gradient:
    """Return a function that computes the derivative of a loss in the input, for each element."""

def hessian(loss: str | Loss | Callable[..., Any]) -> _Gradient:
    """Return a function that computes the second derivative of a loss in the input, for each element."""

def value_and_grad(loss: str | Loss | Callable[..., Any]) -> _ValueAndGradient:
    """Return a function that computes a loss and its gradient in the input, for those without autograd."""

@overload
def absolute_percentage_loss(
    input: NDArray[Any], target: NDArray[Any], *, eps: float | np.floating[Any] | NDArray[Any] = 1.17e-06,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Absolute error divided by the target's modulus, or by eps where that is larger: MAPE."""
@overload
def absolute_percentage_loss(
    input: NDArray[Any], target: NDArray[Any], *, eps: float | np.floating[Any] | NDArray[Any] = 1.17e-06,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Absolute error divided by the target's modulus, or by eps where that is larger: MAPE."""
@overload
def absolute_percentage_loss(
    input: Tensor, target: Tensor, *, eps: float | Tensor = 1.17e-06,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Absolute error divided by the target's modulus, or by eps where that is larger: MAPE."""
@overload
def absolute_percentage_loss(
    input: _StandardArray, target: _StandardArray, *, eps: float | _StandardArray = 1.17e-06,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Absolute error divided by the target's modulus, or by eps where that is larger: MAPE."""

@overload
def andrews_loss(
    input: NDArray[Any], target: NDArray[Any], *, a: float | np.floating[Any] | NDArray[Any] = 1.339,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Andrews' wave, a^2 (1 - cos(r/a)), constant from a pi on: Andrews et al., 1972."""
@overload
def andrews_loss(
    input: NDArray[Any], target: NDArray[Any], *, a: float | np.floating[Any] | NDArray[Any] = 1.339,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Andrews' wave, a^2 (1 - cos(r/a)), constant from a pi on: Andrews et al., 1972."""
@overload
def andrews_loss(
    input: Tensor, target: Tensor, *, a: float | Tensor = 1.339, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Andrews' wave, a^2 (1 - cos(r/a)), constant from a pi on: Andrews et al., 1972."""
@overload
def andrews_loss(
    input: _StandardArray, target: _StandardArray, *, a: float | _StandardArray = 1.339,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Andrews' wave, a^2 (1 - cos(r/a)), constant from a pi on: Andrews et al., 1972."""

@overload
def arctan_loss(
    input: NDArray[Any], target: NDArray[Any], *, c: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Arc tangent of (r/c)^2, times c^2, which saturates at c^2 pi / 2: of SciPy's least_squares."""
@overload
def arctan_loss(
    input: NDArray[Any], target: NDArray[Any], *, c: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Arc tangent of (r/c)^2, times c^2, which saturates at c^2 pi / 2: of SciPy's least_squares."""
@overload
def arctan_loss(
    input: Tensor, target: Tensor, *, c: float | Tensor = 1.0, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Arc tangent of (r/c)^2, times c^2, which saturates at c^2 pi / 2: of SciPy's least_squares."""
@overload
def arctan_loss(
    input: _StandardArray, target: _StandardArray, *, c: float | _StandardArray = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Arc tangent of (r/c)^2, times c^2, which saturates at c^2 pi / 2: of SciPy's least_squares."""

@overload
def balanced_l1_loss(
    input: NDArray[Any], target: NDArray[Any], *, alpha: float | np.floating[Any] | NDArray[Any] = 0.5,
    gamma: float | np.floating[Any] | NDArray[Any] = 1.5, beta: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Absolute error whose slope within beta of zero is logarithmic: Pang et al., Libra R-CNN, 2019."""
@overload
def balanced_l1_loss(
    input: NDArray[Any], target: NDArray[Any], *, alpha: float | np.floating[Any] | NDArray[Any] = 0.5,
    gamma: float | np.floating[Any] | NDArray[Any] = 1.5, beta: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Absolute error whose slope within beta of zero is logarithmic: Pang et al., Libra R-CNN, 2019."""
@overload
def balanced_l1_loss(
    input: Tensor, target: Tensor, *, alpha: float | Tensor = 0.5, gamma: float | Tensor = 1.5,
    beta: float | Tensor = 1.0, reduction: Literal["none", "sum", "mean"] = "mean", weight: Tensor | None = None,
    mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
) -> Tensor:
    """Absolute error whose slope within beta of zero is logarithmic: Pang et al., Libra R-CNN, 2019."""
@overload
def balanced_l1_loss(
    input: _StandardArray, target: _StandardArray, *, alpha: float | _StandardArray = 0.5,
    gamma: float | _StandardArray = 1.5, beta: float | _StandardArray = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Absolute error whose slope within beta of zero is logarithmic: Pang et al., Libra R-CNN, 2019."""

@overload
def barron_loss(
    input: NDArray[Any], target: NDArray[Any], *, alpha: float | np.floating[Any] | NDArray[Any] = 1.0,
    c: float | np.floating[Any] | NDArray[Any] = 1.0, reduction: Literal["mean", "sum"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: None = None,
    keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """General robust loss: Barron, A general and adaptive robust loss function, 2019."""
@overload
def barron_loss(
    input: NDArray[Any], target: NDArray[Any], *, alpha: float | np.floating[Any] | NDArray[Any] = 1.0,
    c: float | np.floating[Any] | NDArray[Any] = 1.0, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """General robust loss: Barron, A general and adaptive robust loss function, 2019."""
@overload
def barron_loss(
    input: Tensor, target: Tensor, *, alpha: float | Tensor = 1.0, c: float | Tensor = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """General robust loss: Barron, A general and adaptive robust loss function, 2019."""
@overload
def barron_loss(
    input: _StandardArray, target: _StandardArray, *, alpha: float | _StandardArray = 1.0,
    c: float | _StandardArray = 1.0, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | _StandardArray | None = None,
    broadcast: bool = False,
) -> Any:
    """General robust loss: Barron, A general and adaptive robust loss function, 2019."""

@overload
def barron_nll_loss(
    input: NDArray[Any], target: NDArray[Any], log_partition: float | np.floating[Any] | NDArray[Any], *,
    alpha: float | np.floating[Any] | NDArray[Any] = 1.0, c: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Negative log-likelihood of Barron's general noise, 2019: his general loss, log(c), and the density's normaliser."""
@overload
def barron_nll_loss(
    input: NDArray[Any], target: NDArray[Any], log_partition: float | np.floating[Any] | NDArray[Any], *,
    alpha: float | np.floating[Any] | NDArray[Any] = 1.0, c: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Negative log-likelihood of Barron's general noise, 2019: his general loss, log(c), and the density's normaliser."""
@overload
def barron_nll_loss(
    input: Tensor, target: Tensor, log_partition: float | Tensor, *, alpha: float | Tensor = 1.0,
    c: float | Tensor = 1.0, reduction: Literal["none", "sum", "mean"] = "mean", weight: Tensor | None = None,
    mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
) -> Tensor:
    """Negative log-likelihood of Barron's general noise, 2019: his general loss, log(c), and the density's normaliser."""
@overload
def barron_nll_loss(
    input: _StandardArray, target: _StandardArray, log_partition: float | _StandardArray, *,
    alpha: float | _StandardArray = 1.0, c: float | _StandardArray = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Negative log-likelihood of Barron's general noise, 2019: his general loss, log(c), and the density's normaliser."""

@overload
def cauchy_loss(
    input: NDArray[Any], target: NDArray[Any], *, c: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Logarithm of 1 + (r/c)^2, times c^2 / 2: the Cauchy or Lorentzian loss; Black and Anandan, 1996."""
@overload
def cauchy_loss(
    input: NDArray[Any], target: NDArray[Any], *, c: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Logarithm of 1 + (r/c)^2, times c^2 / 2: the Cauchy or Lorentzian loss; Black and Anandan, 1996."""
@overload
def cauchy_loss(
    input: Tensor, target: Tensor, *, c: float | Tensor = 1.0, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Logarithm of 1 + (r/c)^2, times c^2 / 2: the Cauchy or Lorentzian loss; Black and Anandan, 1996."""
@overload
def cauchy_loss(
    input: _StandardArray, target: _StandardArray, *, c: float | _StandardArray = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Logarithm of 1 + (r/c)^2, times c^2 / 2: the Cauchy or Lorentzian loss; Black and Anandan, 1996."""

@overload
def charbonnier_loss(
    input: NDArray[Any], target: NDArray[Any], *, eps: float | np.floating[Any] | NDArray[Any] = 0.001,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Absolute error with its corner rounded, sqrt(r^2 + eps^2): Charbonnier et al., 1994; of image restoration."""
@overload
def charbonnier_loss(
    input: NDArray[Any], target: NDArray[Any], *, eps: float | np.floating[Any] | NDArray[Any] = 0.001,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Absolute error with its corner rounded, sqrt(r^2 + eps^2): Charbonnier et al., 1994; of image restoration."""
@overload
def charbonnier_loss(
    input: Tensor, target: Tensor, *, eps: float | Tensor = 0.001,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Absolute error with its corner rounded, sqrt(r^2 + eps^2): Charbonnier et al., 1994; of image restoration."""
@overload
def charbonnier_loss(
    input: _StandardArray, target: _StandardArray, *, eps: float | _StandardArray = 0.001,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Absolute error with its corner rounded, sqrt(r^2 + eps^2): Charbonnier et al., 1994; of image restoration."""

@overload
def distance(
    a: NDArray[Any], b: NDArray[Any], p: float = 2, dim: int | tuple[int, ...] | None = -1, keepdim: bool = False,
    *, weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", broadcast: bool = False, eps: float = 0.0,
) -> NDArray[Any] | Any:
    """Return the distances of the lines of one array from those of another: the p-norm of their difference."""
@overload
def distance(
    a: Tensor, b: Tensor, p: float = 2, dim: int | tuple[int, ...] | None = -1, keepdim: bool = False, *,
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", broadcast: bool = False, eps: float = 0.0,
) -> Tensor:
    """Return the distances of the lines of one array from those of another: the p-norm of their difference."""
@overload
def distance(
    a: _StandardArray, b: _StandardArray, p: float = 2, dim: int | tuple[int, ...] | None = -1,
    keepdim: bool = False, *, weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", broadcast: bool = False, eps: float = 0.0,
) -> Any:
    """Return the distances of the lines of one array from those of another: the p-norm of their difference."""

@overload
def expectile_loss(
    input: NDArray[Any], target: NDArray[Any], *, q: float | np.floating[Any] | NDArray[Any] = 0.5,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Squared error with each side weighted as by the pinball loss: Newey and Powell, 1987."""
@overload
def expectile_loss(
    input: NDArray[Any], target: NDArray[Any], *, q: float | np.floating[Any] | NDArray[Any] = 0.5,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Squared error with each side weighted as by the pinball loss: Newey and Powell, 1987."""
@overload
def expectile_loss(
    input: Tensor, target: Tensor, *, q: float | Tensor = 0.5, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Squared error with each side weighted as by the pinball loss: Newey and Powell, 1987."""
@overload
def expectile_loss(
    input: _StandardArray, target: _StandardArray, *, q: float | _StandardArray = 0.5,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Squared error with each side weighted as by the pinball loss: Newey and Powell, 1987."""

@overload
def gamma_deviance_loss(
    input: NDArray[Any], target: NDArray[Any], *, log_input: bool = False,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Gamma deviance, 2 (log(x/t) + t/x - 1): for positive numbers; McCullagh and Nelder, 1983."""
@overload
def gamma_deviance_loss(
    input: NDArray[Any], target: NDArray[Any], *, log_input: bool = False,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Gamma deviance, 2 (log(x/t) + t/x - 1): for positive numbers; McCullagh and Nelder, 1983."""
@overload
def gamma_deviance_loss(
    input: Tensor, target: Tensor, *, log_input: bool = False, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Gamma deviance, 2 (log(x/t) + t/x - 1): for positive numbers; McCullagh and Nelder, 1983."""
@overload
def gamma_deviance_loss(
    input: _StandardArray, target: _StandardArray, *, log_input: bool = False,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Gamma deviance, 2 (log(x/t) + t/x - 1): for positive numbers; McCullagh and Nelder, 1983."""

@overload
def gaussian_nll_loss(
    input: NDArray[Any], target: NDArray[Any], var: float | np.floating[Any] | NDArray[Any], full: bool = False,
    eps: float | np.floating[Any] | NDArray[Any] = 1e-06, reduction: Literal["mean", "sum"] = "mean", *,
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: None = None,
    keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Gaussian negative log-likelihood of a variance, (log(var) + r^2 / var) / 2: Nix and Weigend, 1994."""
@overload
def gaussian_nll_loss(
    input: NDArray[Any], target: NDArray[Any], var: float | np.floating[Any] | NDArray[Any], full: bool = False,
    eps: float | np.floating[Any] | NDArray[Any] = 1e-06, reduction: Literal["none", "sum", "mean"] = "mean", *,
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Gaussian negative log-likelihood of a variance, (log(var) + r^2 / var) / 2: Nix and Weigend, 1994."""
@overload
def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: float | Tensor, full: bool = False, eps: float | Tensor = 1e-06,
    reduction: Literal["none", "sum", "mean"] = "mean", *, weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Gaussian negative log-likelihood of a variance, (log(var) + r^2 / var) / 2: Nix and Weigend, 1994."""
@overload
def gaussian_nll_loss(
    input: _StandardArray, target: _StandardArray, var: float | _StandardArray, full: bool = False,
    eps: float | _StandardArray = 1e-06, reduction: Literal["none", "sum", "mean"] = "mean", *,
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | _StandardArray | None = None,
    broadcast: bool = False,
) -> Any:
    """Gaussian negative log-likelihood of a variance, (log(var) + r^2 / var) / 2: Nix and Weigend, 1994."""

@overload
def geman_mcclure_loss(
    input: NDArray[Any], target: NDArray[Any], *, c: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Squared error that saturates at 2, 2 (r/c)^2 / ((r/c)^2 + 4): Geman and McClure, 1985."""
@overload
def geman_mcclure_loss(
    input: NDArray[Any], target: NDArray[Any], *, c: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Squared error that saturates at 2, 2 (r/c)^2 / ((r/c)^2 + 4): Geman and McClure, 1985."""
@overload
def geman_mcclure_loss(
    input: Tensor, target: Tensor, *, c: float | Tensor = 1.0, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Squared error that saturates at 2, 2 (r/c)^2 / ((r/c)^2 + 4): Geman and McClure, 1985."""
@overload
def geman_mcclure_loss(
    input: _StandardArray, target: _StandardArray, *, c: float | _StandardArray = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Squared error that saturates at 2, 2 (r/c)^2 / ((r/c)^2 + 4): Geman and McClure, 1985."""

@overload
def half_mse_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["mean", "sum"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: None = None,
    keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Half the squared error, whose slope is the residual itself: its minimiser is the mean."""
@overload
def half_mse_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Half the squared error, whose slope is the residual itself: its minimiser is the mean."""
@overload
def half_mse_loss(
    input: Tensor, target: Tensor, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Half the squared error, whose slope is the residual itself: its minimiser is the mean."""
@overload
def half_mse_loss(
    input: _StandardArray, target: _StandardArray, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | _StandardArray | None = None,
    broadcast: bool = False,
) -> Any:
    """Half the squared error, whose slope is the residual itself: its minimiser is the mean."""

@overload
def hampel_loss(
    input: NDArray[Any], target: NDArray[Any], *, a: float | np.floating[Any] | NDArray[Any] = 2.0,
    b: float | np.floating[Any] | NDArray[Any] = 4.0, c: float | np.floating[Any] | NDArray[Any] = 8.0,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Hampel's three-part loss: its slope rises to a, stays, and falls from b to 0 at c; Hampel, 1974."""
@overload
def hampel_loss(
    input: NDArray[Any], target: NDArray[Any], *, a: float | np.floating[Any] | NDArray[Any] = 2.0,
    b: float | np.floating[Any] | NDArray[Any] = 4.0, c: float | np.floating[Any] | NDArray[Any] = 8.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Hampel's three-part loss: its slope rises to a, stays, and falls from b to 0 at c; Hampel, 1974."""
@overload
def hampel_loss(
    input: Tensor, target: Tensor, *, a: float | Tensor = 2.0, b: float | Tensor = 4.0, c: float | Tensor = 8.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Hampel's three-part loss: its slope rises to a, stays, and falls from b to 0 at c; Hampel, 1974."""
@overload
def hampel_loss(
    input: _StandardArray, target: _StandardArray, *, a: float | _StandardArray = 2.0,
    b: float | _StandardArray = 4.0, c: float | _StandardArray = 8.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Hampel's three-part loss: its slope rises to a, stays, and falls from b to 0 at c; Hampel, 1974."""

@overload
def huber_loss(
    input: NDArray[Any], target: NDArray[Any], reduction: Literal["mean", "sum"] = "mean",
    delta: float | np.floating[Any] | NDArray[Any] = 1.0, weight: NDArray[Any] | None = None, *,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Half the squared error within delta of zero, straight beyond: Huber, 1964."""
@overload
def huber_loss(
    input: NDArray[Any], target: NDArray[Any], reduction: Literal["none", "sum", "mean"] = "mean",
    delta: float | np.floating[Any] | NDArray[Any] = 1.0, weight: NDArray[Any] | None = None, *,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Half the squared error within delta of zero, straight beyond: Huber, 1964."""
@overload
def huber_loss(
    input: Tensor, target: Tensor, reduction: Literal["none", "sum", "mean"] = "mean", delta: float | Tensor = 1.0,
    weight: Tensor | None = None, *, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Half the squared error within delta of zero, straight beyond: Huber, 1964."""
@overload
def huber_loss(
    input: _StandardArray, target: _StandardArray, reduction: Literal["none", "sum", "mean"] = "mean",
    delta: float | _StandardArray = 1.0, weight: _StandardArray | None = None, *,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Half the squared error within delta of zero, straight beyond: Huber, 1964."""

@overload
def huber_quantile_loss(
    input: NDArray[Any], target: NDArray[Any], *, q: float | np.floating[Any] | NDArray[Any] = 0.5,
    delta: float | np.floating[Any] | NDArray[Any] = 1.0, reduction: Literal["mean", "sum"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: None = None,
    keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Huber's loss with each side weighted as by the pinball loss: Breckling and Chambers, M-quantiles, 1988."""
@overload
def huber_quantile_loss(
    input: NDArray[Any], target: NDArray[Any], *, q: float | np.floating[Any] | NDArray[Any] = 0.5,
    delta: float | np.floating[Any] | NDArray[Any] = 1.0, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Huber's loss with each side weighted as by the pinball loss: Breckling and Chambers, M-quantiles, 1988."""
@overload
def huber_quantile_loss(
    input: Tensor, target: Tensor, *, q: float | Tensor = 0.5, delta: float | Tensor = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Huber's loss with each side weighted as by the pinball loss: Breckling and Chambers, M-quantiles, 1988."""
@overload
def huber_quantile_loss(
    input: _StandardArray, target: _StandardArray, *, q: float | _StandardArray = 0.5,
    delta: float | _StandardArray = 1.0, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | _StandardArray | None = None,
    broadcast: bool = False,
) -> Any:
    """Huber's loss with each side weighted as by the pinball loss: Breckling and Chambers, M-quantiles, 1988."""

@overload
def l1_loss(
    input: NDArray[Any], target: NDArray[Any], size_average: bool | None = None, reduce: bool | None = None,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None, *,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Absolute error: its minimiser is the median."""
@overload
def l1_loss(
    input: NDArray[Any], target: NDArray[Any], size_average: bool | None = None, reduce: bool | None = None,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None, *,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Absolute error: its minimiser is the median."""
@overload
def l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: Tensor | None = None, *, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Absolute error: its minimiser is the median."""
@overload
def l1_loss(
    input: _StandardArray, target: _StandardArray, size_average: bool | None = None, reduce: bool | None = None,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None, *,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Absolute error: its minimiser is the median."""

@overload
def l1_norm(
    x: NDArray[Any], dim: None = None, keepdim: Literal[False] = False, weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
) -> np.floating[Any]:
    """Return the sum of the moduli: `norm` of order 1."""
@overload
def l1_norm(
    x: NDArray[Any], dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
) -> NDArray[Any] | Any:
    """Return the sum of the moduli: `norm` of order 1."""
@overload
def l1_norm(
    x: Tensor, dim: int | tuple[int, ...] | None = None, keepdim: bool = False, weight: Tensor | None = None,
    mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
) -> Tensor:
    """Return the sum of the moduli: `norm` of order 1."""
@overload
def l1_norm(
    x: _StandardArray, dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
) -> Any:
    """Return the sum of the moduli: `norm` of order 1."""

@overload
def l2_norm(
    x: NDArray[Any], dim: None = None, keepdim: Literal[False] = False, weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
) -> np.floating[Any]:
    """Return the root of the sum of squares: `norm` of order 2."""
@overload
def l2_norm(
    x: NDArray[Any], dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
) -> NDArray[Any] | Any:
    """Return the root of the sum of squares: `norm` of order 2."""
@overload
def l2_norm(
    x: Tensor, dim: int | tuple[int, ...] | None = None, keepdim: bool = False, weight: Tensor | None = None,
    mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
) -> Tensor:
    """Return the root of the sum of squares: `norm` of order 2."""
@overload
def l2_norm(
    x: _StandardArray, dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
) -> Any:
    """Return the root of the sum of squares: `norm` of order 2."""

@overload
def laplace_nll_loss(
    input: NDArray[Any], target: NDArray[Any], scale: float | np.floating[Any] | NDArray[Any], *,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Laplace negative log-likelihood of a scale, log(2 scale) + abs(r) / scale."""
@overload
def laplace_nll_loss(
    input: NDArray[Any], target: NDArray[Any], scale: float | np.floating[Any] | NDArray[Any], *,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Laplace negative log-likelihood of a scale, log(2 scale) + abs(r) / scale."""
@overload
def laplace_nll_loss(
    input: Tensor, target: Tensor, scale: float | Tensor, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Laplace negative log-likelihood of a scale, log(2 scale) + abs(r) / scale."""
@overload
def laplace_nll_loss(
    input: _StandardArray, target: _StandardArray, scale: float | _StandardArray, *,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Laplace negative log-likelihood of a scale, log(2 scale) + abs(r) / scale."""

@overload
def linex_loss(
    input: NDArray[Any], target: NDArray[Any], *, a: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Exponential on one side, linear on the other, exp(a r) - a r - 1: Varian, 1975; Zellner, 1986."""
@overload
def linex_loss(
    input: NDArray[Any], target: NDArray[Any], *, a: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Exponential on one side, linear on the other, exp(a r) - a r - 1: Varian, 1975; Zellner, 1986."""
@overload
def linex_loss(
    input: Tensor, target: Tensor, *, a: float | Tensor = 1.0, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Exponential on one side, linear on the other, exp(a r) - a r - 1: Varian, 1975; Zellner, 1986."""
@overload
def linex_loss(
    input: _StandardArray, target: _StandardArray, *, a: float | _StandardArray = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Exponential on one side, linear on the other, exp(a r) - a r - 1: Varian, 1975; Zellner, 1986."""

@overload
def log_cosh_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["mean", "sum"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: None = None,
    keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Logarithm of the hyperbolic cosine: half the squared error near zero, the absolute error less log 2 far from it."""
@overload
def log_cosh_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Logarithm of the hyperbolic cosine: half the squared error near zero, the absolute error less log 2 far from it."""
@overload
def log_cosh_loss(
    input: Tensor, target: Tensor, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Logarithm of the hyperbolic cosine: half the squared error near zero, the absolute error less log 2 far from it."""
@overload
def log_cosh_loss(
    input: _StandardArray, target: _StandardArray, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | _StandardArray | None = None,
    broadcast: bool = False,
) -> Any:
    """Logarithm of the hyperbolic cosine: half the squared error near zero, the absolute error less log 2 far from it."""

@overload
def log_mse_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["mean", "sum"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: None = None,
    keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Logarithm of the mean squared error: a factor in the errors' scale is a constant, without effect on the gradient."""
@overload
def log_mse_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Logarithm of the mean squared error: a factor in the errors' scale is a constant, without effect on the gradient."""
@overload
def log_mse_loss(
    input: Tensor, target: Tensor, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Logarithm of the mean squared error: a factor in the errors' scale is a constant, without effect on the gradient."""
@overload
def log_mse_loss(
    input: _StandardArray, target: _StandardArray, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | _StandardArray | None = None,
    broadcast: bool = False,
) -> Any:
    """Logarithm of the mean squared error: a factor in the errors' scale is a constant, without effect on the gradient."""

@overload
def mase_loss(
    input: NDArray[Any], target: NDArray[Any], scale: float | np.floating[Any] | NDArray[Any], *,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Absolute error in units of a scale, that of a naive forecast: MASE; Hyndman and Koehler, 2006."""
@overload
def mase_loss(
    input: NDArray[Any], target: NDArray[Any], scale: float | np.floating[Any] | NDArray[Any], *,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Absolute error in units of a scale, that of a naive forecast: MASE; Hyndman and Koehler, 2006."""
@overload
def mase_loss(
    input: Tensor, target: Tensor, scale: float | Tensor, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Absolute error in units of a scale, that of a naive forecast: MASE; Hyndman and Koehler, 2006."""
@overload
def mase_loss(
    input: _StandardArray, target: _StandardArray, scale: float | _StandardArray, *,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Absolute error in units of a scale, that of a naive forecast: MASE; Hyndman and Koehler, 2006."""

@overload
def mse_loss(
    input: NDArray[Any], target: NDArray[Any], size_average: bool | None = None, reduce: bool | None = None,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None, *,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Squared error: its minimiser is the mean."""
@overload
def mse_loss(
    input: NDArray[Any], target: NDArray[Any], size_average: bool | None = None, reduce: bool | None = None,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None, *,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Squared error: its minimiser is the mean."""
@overload
def mse_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: Tensor | None = None, *, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Squared error: its minimiser is the mean."""
@overload
def mse_loss(
    input: _StandardArray, target: _StandardArray, size_average: bool | None = None, reduce: bool | None = None,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None, *,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Squared error: its minimiser is the mean."""

@overload
def msle_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["mean", "sum"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: None = None,
    keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Squared error of log(1 + x): of relative errors, for counts and prices."""
@overload
def msle_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Squared error of log(1 + x): of relative errors, for counts and prices."""
@overload
def msle_loss(
    input: Tensor, target: Tensor, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Squared error of log(1 + x): of relative errors, for counts and prices."""
@overload
def msle_loss(
    input: _StandardArray, target: _StandardArray, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | _StandardArray | None = None,
    broadcast: bool = False,
) -> Any:
    """Squared error of log(1 + x): of relative errors, for counts and prices."""

@overload
def nearest(
    a: NDArray[Any], b: NDArray[Any], k: int, metric: str | Loss | Callable[..., Any] = "l2",
    p: float | None = None, weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | tuple[NDArray[Any] | None, NDArray[Any] | None] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", **parameters: float,
) -> _Nearest[NDArray[Any]] | Any:
    """Return the `k` points of ``b`` that are nearest to each point of ``a``."""
@overload
def nearest(
    a: Tensor, b: Tensor, k: int, metric: str | Loss | Callable[..., Any] = "l2", p: float | None = None,
    weight: Tensor | None = None, mask: Tensor | tuple[Tensor | None, Tensor | None] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", **parameters: float,
) -> _Nearest[Tensor]:
    """Return the `k` points of ``b`` that are nearest to each point of ``a``."""
@overload
def nearest(
    a: _StandardArray, b: _StandardArray, k: int, metric: str | Loss | Callable[..., Any] = "l2",
    p: float | None = None, weight: _StandardArray | None = None,
    mask: _StandardArray | tuple[_StandardArray | None, _StandardArray | None] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", **parameters: float,
) -> _Nearest[Any]:
    """Return the `k` points of ``b`` that are nearest to each point of ``a``."""

@overload
def norm(
    x: NDArray[Any], p: float = 2, dim: None = None, keepdim: Literal[False] = False,
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
) -> np.floating[Any]:
    """Return the p-norm of an array, or of its lines along some dimensions."""
@overload
def norm(
    x: NDArray[Any], p: float = 2, dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
) -> NDArray[Any] | Any:
    """Return the p-norm of an array, or of its lines along some dimensions."""
@overload
def norm(
    x: Tensor, p: float = 2, dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
) -> Tensor:
    """Return the p-norm of an array, or of its lines along some dimensions."""
@overload
def norm(
    x: _StandardArray, p: float = 2, dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
) -> Any:
    """Return the p-norm of an array, or of its lines along some dimensions."""

@overload
def pairwise(
    a: NDArray[Any], b: NDArray[Any] | None = None, metric: str | Loss | Callable[..., Any] = "l2",
    p: float | None = None, weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | tuple[NDArray[Any] | None, NDArray[Any] | None] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", fast: bool = False, *,
    reduce: Literal['min', 'mean', 'sum'] | None = None, dim: int = -1, **parameters: float,
) -> NDArray[Any] | Any:
    """Return the distance of each point of one set from each of another."""
@overload
def pairwise(
    a: Tensor, b: Tensor | None = None, metric: str | Loss | Callable[..., Any] = "l2", p: float | None = None,
    weight: Tensor | None = None, mask: Tensor | tuple[Tensor | None, Tensor | None] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", fast: bool = False, *,
    reduce: Literal['min', 'mean', 'sum'] | None = None, dim: int = -1, **parameters: float,
) -> Tensor:
    """Return the distance of each point of one set from each of another."""
@overload
def pairwise(
    a: _StandardArray, b: _StandardArray | None = None, metric: str | Loss | Callable[..., Any] = "l2",
    p: float | None = None, weight: _StandardArray | None = None,
    mask: _StandardArray | tuple[_StandardArray | None, _StandardArray | None] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", fast: bool = False, *,
    reduce: Literal['min', 'mean', 'sum'] | None = None, dim: int = -1, **parameters: float,
) -> Any:
    """Return the distance of each point of one set from each of another."""

@overload
def poisson_deviance_loss(
    input: NDArray[Any], target: NDArray[Any], *, log_input: bool = False,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Poisson deviance, 2 (t log(t/x) - t + x): for counts; Nelder and Wedderburn, 1972."""
@overload
def poisson_deviance_loss(
    input: NDArray[Any], target: NDArray[Any], *, log_input: bool = False,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Poisson deviance, 2 (t log(t/x) - t + x): for counts; Nelder and Wedderburn, 1972."""
@overload
def poisson_deviance_loss(
    input: Tensor, target: Tensor, *, log_input: bool = False, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Poisson deviance, 2 (t log(t/x) - t + x): for counts; Nelder and Wedderburn, 1972."""
@overload
def poisson_deviance_loss(
    input: _StandardArray, target: _StandardArray, *, log_input: bool = False,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Poisson deviance, 2 (t log(t/x) - t + x): for counts; Nelder and Wedderburn, 1972."""

@overload
def poisson_nll_loss(
    input: NDArray[Any], target: NDArray[Any], log_input: bool = True, full: bool = False,
    size_average: bool | None = None, eps: float | np.floating[Any] | NDArray[Any] = 1e-08,
    reduce: bool | None = None, reduction: Literal["mean", "sum"] = "mean", *, weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Poisson negative log-likelihood of a rate exp(x), or of x itself: exp(x) - t x, or x - t log(x + eps)."""
@overload
def poisson_nll_loss(
    input: NDArray[Any], target: NDArray[Any], log_input: bool = True, full: bool = False,
    size_average: bool | None = None, eps: float | np.floating[Any] | NDArray[Any] = 1e-08,
    reduce: bool | None = None, reduction: Literal["none", "sum", "mean"] = "mean", *,
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Poisson negative log-likelihood of a rate exp(x), or of x itself: exp(x) - t x, or x - t log(x + eps)."""
@overload
def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: bool | None = None,
    eps: float | Tensor = 1e-08, reduce: bool | None = None, reduction: Literal["none", "sum", "mean"] = "mean", *,
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Poisson negative log-likelihood of a rate exp(x), or of x itself: exp(x) - t x, or x - t log(x + eps)."""
@overload
def poisson_nll_loss(
    input: _StandardArray, target: _StandardArray, log_input: bool = True, full: bool = False,
    size_average: bool | None = None, eps: float | _StandardArray = 1e-08, reduce: bool | None = None,
    reduction: Literal["none", "sum", "mean"] = "mean", *, weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Poisson negative log-likelihood of a rate exp(x), or of x itself: exp(x) - t x, or x - t log(x + eps)."""

@overload
def pseudo_huber_loss(
    input: NDArray[Any], target: NDArray[Any], *, delta: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Huber's loss made smooth, delta^2 (sqrt(1 + (r/delta)^2) - 1): Charbonnier et al., 1997."""
@overload
def pseudo_huber_loss(
    input: NDArray[Any], target: NDArray[Any], *, delta: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Huber's loss made smooth, delta^2 (sqrt(1 + (r/delta)^2) - 1): Charbonnier et al., 1997."""
@overload
def pseudo_huber_loss(
    input: Tensor, target: Tensor, *, delta: float | Tensor = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Huber's loss made smooth, delta^2 (sqrt(1 + (r/delta)^2) - 1): Charbonnier et al., 1997."""
@overload
def pseudo_huber_loss(
    input: _StandardArray, target: _StandardArray, *, delta: float | _StandardArray = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Huber's loss made smooth, delta^2 (sqrt(1 + (r/delta)^2) - 1): Charbonnier et al., 1997."""

@overload
def quantile_loss(
    input: NDArray[Any], target: NDArray[Any], *, q: float | np.floating[Any] | NDArray[Any] = 0.5,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Pinball loss: its minimiser is the quantile q; Koenker and Bassett, 1978."""
@overload
def quantile_loss(
    input: NDArray[Any], target: NDArray[Any], *, q: float | np.floating[Any] | NDArray[Any] = 0.5,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Pinball loss: its minimiser is the quantile q; Koenker and Bassett, 1978."""
@overload
def quantile_loss(
    input: Tensor, target: Tensor, *, q: float | Tensor = 0.5, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Pinball loss: its minimiser is the quantile q; Koenker and Bassett, 1978."""
@overload
def quantile_loss(
    input: _StandardArray, target: _StandardArray, *, q: float | _StandardArray = 0.5,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Pinball loss: its minimiser is the quantile q; Koenker and Bassett, 1978."""

@overload
def ramsay_loss(
    input: NDArray[Any], target: NDArray[Any], *, a: float | np.floating[Any] | NDArray[Any] = 0.3,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Ramsay's E_a, (1 - exp(-a abs(r)) (1 + a abs(r))) / a^2: its slope is r exp(-a abs(r)); Ramsay, 1977."""
@overload
def ramsay_loss(
    input: NDArray[Any], target: NDArray[Any], *, a: float | np.floating[Any] | NDArray[Any] = 0.3,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Ramsay's E_a, (1 - exp(-a abs(r)) (1 + a abs(r))) / a^2: its slope is r exp(-a abs(r)); Ramsay, 1977."""
@overload
def ramsay_loss(
    input: Tensor, target: Tensor, *, a: float | Tensor = 0.3, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Ramsay's E_a, (1 - exp(-a abs(r)) (1 + a abs(r))) / a^2: its slope is r exp(-a abs(r)); Ramsay, 1977."""
@overload
def ramsay_loss(
    input: _StandardArray, target: _StandardArray, *, a: float | _StandardArray = 0.3,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Ramsay's E_a, (1 - exp(-a abs(r)) (1 + a abs(r))) / a^2: its slope is r exp(-a abs(r)); Ramsay, 1977."""

@overload
def rmse_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["mean", "sum"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: None = None,
    keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Root of the mean squared error: in the unit of the target; its minimiser is the mean."""
@overload
def rmse_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Root of the mean squared error: in the unit of the target; its minimiser is the mean."""
@overload
def rmse_loss(
    input: Tensor, target: Tensor, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Root of the mean squared error: in the unit of the target; its minimiser is the mean."""
@overload
def rmse_loss(
    input: _StandardArray, target: _StandardArray, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | _StandardArray | None = None,
    broadcast: bool = False,
) -> Any:
    """Root of the mean squared error: in the unit of the target; its minimiser is the mean."""

@overload
def rmsle_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["mean", "sum"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: None = None,
    keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Root of the mean squared error of log(1 + x): of relative errors, for counts and prices."""
@overload
def rmsle_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Root of the mean squared error of log(1 + x): of relative errors, for counts and prices."""
@overload
def rmsle_loss(
    input: Tensor, target: Tensor, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Root of the mean squared error of log(1 + x): of relative errors, for counts and prices."""
@overload
def rmsle_loss(
    input: _StandardArray, target: _StandardArray, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | _StandardArray | None = None,
    broadcast: bool = False,
) -> Any:
    """Root of the mean squared error of log(1 + x): of relative errors, for counts and prices."""

@overload
def smooth_l1_loss(
    input: NDArray[Any], target: NDArray[Any], size_average: bool | None = None, reduce: bool | None = None,
    reduction: Literal["mean", "sum"] = "mean", beta: float | np.floating[Any] | NDArray[Any] = 1.0, *,
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: None = None,
    keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Absolute error, but quadratic within beta of zero: Girshick, Fast R-CNN, 2015."""
@overload
def smooth_l1_loss(
    input: NDArray[Any], target: NDArray[Any], size_average: bool | None = None, reduce: bool | None = None,
    reduction: Literal["none", "sum", "mean"] = "mean", beta: float | np.floating[Any] | NDArray[Any] = 1.0, *,
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Absolute error, but quadratic within beta of zero: Girshick, Fast R-CNN, 2015."""
@overload
def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: Literal["none", "sum", "mean"] = "mean", beta: float | Tensor = 1.0, *, weight: Tensor | None = None,
    mask: Tensor | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | Tensor | None = None, broadcast: bool = False,
) -> Tensor:
    """Absolute error, but quadratic within beta of zero: Girshick, Fast R-CNN, 2015."""
@overload
def smooth_l1_loss(
    input: _StandardArray, target: _StandardArray, size_average: bool | None = None, reduce: bool | None = None,
    reduction: Literal["none", "sum", "mean"] = "mean", beta: float | _StandardArray = 1.0, *,
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | _StandardArray | None = None,
    broadcast: bool = False,
) -> Any:
    """Absolute error, but quadratic within beta of zero: Girshick, Fast R-CNN, 2015."""

@overload
def student_t_nll_loss(
    input: NDArray[Any], target: NDArray[Any], scale: float | np.floating[Any] | NDArray[Any], *,
    df: float | np.floating[Any] | NDArray[Any] = 3.0, reduction: Literal["mean", "sum"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: None = None,
    keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Student-t negative log-likelihood of a scale, with df degrees of freedom: Lange, Little and Taylor, 1989."""
@overload
def student_t_nll_loss(
    input: NDArray[Any], target: NDArray[Any], scale: float | np.floating[Any] | NDArray[Any], *,
    df: float | np.floating[Any] | NDArray[Any] = 3.0, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Student-t negative log-likelihood of a scale, with df degrees of freedom: Lange, Little and Taylor, 1989."""
@overload
def student_t_nll_loss(
    input: Tensor, target: Tensor, scale: float | Tensor, *, df: float | Tensor = 3.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Student-t negative log-likelihood of a scale, with df degrees of freedom: Lange, Little and Taylor, 1989."""
@overload
def student_t_nll_loss(
    input: _StandardArray, target: _StandardArray, scale: float | _StandardArray, *,
    df: float | _StandardArray = 3.0, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | _StandardArray | None = None,
    broadcast: bool = False,
) -> Any:
    """Student-t negative log-likelihood of a scale, with df degrees of freedom: Lange, Little and Taylor, 1989."""

@overload
def symmetric_percentage_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["mean", "sum"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: None = None,
    keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Absolute error divided by the mean of both moduli, 2 abs(x - t) / (abs(x) + abs(t)): SMAPE; Makridakis, 1993."""
@overload
def symmetric_percentage_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Absolute error divided by the mean of both moduli, 2 abs(x - t) / (abs(x) + abs(t)): SMAPE; Makridakis, 1993."""
@overload
def symmetric_percentage_loss(
    input: Tensor, target: Tensor, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Absolute error divided by the mean of both moduli, 2 abs(x - t) / (abs(x) + abs(t)): SMAPE; Makridakis, 1993."""
@overload
def symmetric_percentage_loss(
    input: _StandardArray, target: _StandardArray, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | _StandardArray | None = None,
    broadcast: bool = False,
) -> Any:
    """Absolute error divided by the mean of both moduli, 2 abs(x - t) / (abs(x) + abs(t)): SMAPE; Makridakis, 1993."""

@overload
def trimmed_mean_loss(
    input: NDArray[Any], target: NDArray[Any], *, c: float | np.floating[Any] | NDArray[Any] = 2.0,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Half the squared error, constant beyond c: of the trimmed mean; also Talwar's loss, 1975."""
@overload
def trimmed_mean_loss(
    input: NDArray[Any], target: NDArray[Any], *, c: float | np.floating[Any] | NDArray[Any] = 2.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Half the squared error, constant beyond c: of the trimmed mean; also Talwar's loss, 1975."""
@overload
def trimmed_mean_loss(
    input: Tensor, target: Tensor, *, c: float | Tensor = 2.0, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Half the squared error, constant beyond c: of the trimmed mean; also Talwar's loss, 1975."""
@overload
def trimmed_mean_loss(
    input: _StandardArray, target: _StandardArray, *, c: float | _StandardArray = 2.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Half the squared error, constant beyond c: of the trimmed mean; also Talwar's loss, 1975."""

@overload
def tukey_loss(
    input: NDArray[Any], target: NDArray[Any], *, c: float | np.floating[Any] | NDArray[Any] = 4.685,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Tukey's biweight, c^2/6 (1 - (1 - (r/c)^2)^3), constant from c on: Beaton and Tukey, 1974."""
@overload
def tukey_loss(
    input: NDArray[Any], target: NDArray[Any], *, c: float | np.floating[Any] | NDArray[Any] = 4.685,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Tukey's biweight, c^2/6 (1 - (1 - (r/c)^2)^3), constant from c on: Beaton and Tukey, 1974."""
@overload
def tukey_loss(
    input: Tensor, target: Tensor, *, c: float | Tensor = 4.685, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Tukey's biweight, c^2/6 (1 - (1 - (r/c)^2)^3), constant from c on: Beaton and Tukey, 1974."""
@overload
def tukey_loss(
    input: _StandardArray, target: _StandardArray, *, c: float | _StandardArray = 4.685,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Tukey's biweight, c^2/6 (1 - (1 - (r/c)^2)^3), constant from c on: Beaton and Tukey, 1974."""

@overload
def tweedie_deviance_loss(
    input: NDArray[Any], target: NDArray[Any], *, p: float | np.floating[Any] | NDArray[Any] = 1.5,
    log_input: bool = False, reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Tweedie deviance of a variance proportional to the mean to the power of p: Tweedie, 1984; Jorgensen, 1987."""
@overload
def tweedie_deviance_loss(
    input: NDArray[Any], target: NDArray[Any], *, p: float | np.floating[Any] | NDArray[Any] = 1.5,
    log_input: bool = False, reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Tweedie deviance of a variance proportional to the mean to the power of p: Tweedie, 1984; Jorgensen, 1987."""
@overload
def tweedie_deviance_loss(
    input: Tensor, target: Tensor, *, p: float | Tensor = 1.5, log_input: bool = False,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Tweedie deviance of a variance proportional to the mean to the power of p: Tweedie, 1984; Jorgensen, 1987."""
@overload
def tweedie_deviance_loss(
    input: _StandardArray, target: _StandardArray, *, p: float | _StandardArray = 1.5, log_input: bool = False,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Tweedie deviance of a variance proportional to the mean to the power of p: Tweedie, 1984; Jorgensen, 1987."""

@overload
def welsch_loss(
    input: NDArray[Any], target: NDArray[Any], *, c: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["mean", "sum"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: None = None, keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Squared error that saturates at 1, 1 - exp(-(r/c)^2 / 2): Dennis and Welsch, 1978; also Leclerc's."""
@overload
def welsch_loss(
    input: NDArray[Any], target: NDArray[Any], *, c: float | np.floating[Any] | NDArray[Any] = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: NDArray[Any] | None = None,
    mask: NDArray[Any] | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Squared error that saturates at 1, 1 - exp(-(r/c)^2 / 2): Dennis and Welsch, 1978; also Leclerc's."""
@overload
def welsch_loss(
    input: Tensor, target: Tensor, *, c: float | Tensor = 1.0, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Squared error that saturates at 1, 1 - exp(-(r/c)^2 / 2): Dennis and Welsch, 1978; also Leclerc's."""
@overload
def welsch_loss(
    input: _StandardArray, target: _StandardArray, *, c: float | _StandardArray = 1.0,
    reduction: Literal["none", "sum", "mean"] = "mean", weight: _StandardArray | None = None,
    mask: _StandardArray | None = None, nan_policy: Literal["propagate", "omit", "raise"] = "propagate",
    dim: int | tuple[int, ...] | None = None, keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | _StandardArray | None = None, broadcast: bool = False,
) -> Any:
    """Squared error that saturates at 1, 1 - exp(-(r/c)^2 / 2): Dennis and Welsch, 1978; also Leclerc's."""

@overload
def wmape_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["mean", "sum"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: None = None,
    keepdim: Literal[False] = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> np.floating[Any]:
    """Weighted absolute percentage error: the sum of the absolute errors, divided by that of the absolute targets."""
@overload
def wmape_loss(
    input: NDArray[Any], target: NDArray[Any], *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: NDArray[Any] | None = None, mask: NDArray[Any] | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    normalize: Literal["weight", "count"] | float | np.floating[Any] | NDArray[Any] | None = None,
    broadcast: bool = False,
) -> NDArray[Any] | Any:
    """Weighted absolute percentage error: the sum of the absolute errors, divided by that of the absolute targets."""
@overload
def wmape_loss(
    input: Tensor, target: Tensor, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: Tensor | None = None, mask: Tensor | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | Tensor | None = None,
    broadcast: bool = False,
) -> Tensor:
    """Weighted absolute percentage error: the sum of the absolute errors, divided by that of the absolute targets."""
@overload
def wmape_loss(
    input: _StandardArray, target: _StandardArray, *, reduction: Literal["none", "sum", "mean"] = "mean",
    weight: _StandardArray | None = None, mask: _StandardArray | None = None,
    nan_policy: Literal["propagate", "omit", "raise"] = "propagate", dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False, normalize: Literal["weight", "count"] | float | _StandardArray | None = None,
    broadcast: bool = False,
) -> Any:
    """Weighted absolute percentage error: the sum of the absolute errors, divided by that of the absolute targets."""

__all__ = [
    "absolute_percentage_loss",
    "andrews_loss",
    "arctan_loss",
    "balanced_l1_loss",
    "barron_loss",
    "barron_nll_loss",
    "cauchy_loss",
    "charbonnier_loss",
    "distance",
    "expectile_loss",
    "gamma_deviance_loss",
    "gaussian_nll_loss",
    "geman_mcclure_loss",
    "gradient",
    "half_mse_loss",
    "hampel_loss",
    "hessian",
    "huber_loss",
    "huber_quantile_loss",
    "l1_loss",
    "l1_norm",
    "l2_norm",
    "laplace_nll_loss",
    "linex_loss",
    "log_cosh_loss",
    "log_mse_loss",
    "loss",
    "mase_loss",
    "mse_loss",
    "msle_loss",
    "nearest",
    "norm",
    "pairwise",
    "poisson_deviance_loss",
    "poisson_nll_loss",
    "pseudo_huber_loss",
    "quantile_loss",
    "ramsay_loss",
    "rmse_loss",
    "rmsle_loss",
    "smooth_l1_loss",
    "student_t_nll_loss",
    "symmetric_percentage_loss",
    "trimmed_mean_loss",
    "tukey_loss",
    "tweedie_deviance_loss",
    "value_and_grad",
    "welsch_loss",
    "wmape_loss",
]
