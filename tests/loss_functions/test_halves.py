"""Half precision in every library but torch, which has its own tests: it is computed in float32."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

import normwise
from normwise import scores
from normwise.errors import DtypeError

MAKERS: dict[str, Callable[[Any], Any]] = {
    "numpy float16": lambda a: np.asarray(a, np.float16),
    "numpy bfloat16": lambda a: np.asarray(a, ml_dtypes.bfloat16),
    "numpy float8": lambda a: np.asarray(a, ml_dtypes.float8_e5m2),
    "jax float16": lambda a: jnp.asarray(a, jnp.float16),
    "jax bfloat16": lambda a: jnp.asarray(a, jnp.bfloat16),
}
MOVED = np.array([[384.0, 512.0], [0.0, 1.0]])
MANY = 70_000
"""Beyond the range of float16."""
ONES, ZEROS = np.ones(MANY), np.zeros(MANY)
FAR, NEAR = np.array([[320.0, 448.0], [0.0, 1.0]]), np.zeros((2, 2))
"""Numbers that all these dtypes have, with squares that float16 has not."""

CASES: dict[str, tuple[Callable[..., Any], Any]] = {
    "mean": (lambda of: normwise.l1_loss(of(ONES), of(ZEROS)), 1.0),
    "sum": (lambda of: normwise.l1_loss(of(ONES), of(ZEROS), reduction="sum"), MANY),
    "squares": (lambda of: normwise.mse_loss(of(FAR), of(NEAR)), np.mean(FAR**2)),
    "some dimensions": (lambda of: normwise.mse_loss(of(FAR), of(NEAR), dim=1), np.mean(FAR**2, 1)),
    "weights": (
        lambda of: normwise.mse_loss(of(FAR), of(NEAR), weight=of([1.0, 2.0])),
        FAR[0] ** 2 @ [1, 2] / 6 + 1 / 3,
    ),
    "of means": (lambda of: normwise.rmse_loss(of(FAR), of(NEAR)), np.sqrt(np.mean(FAR**2))),
    "gradient": (lambda of: normwise.value_and_grad("l1")(of(ONES[:512]), of(ZEROS[:512]))[1], np.full(512, 2.0**-9)),
    "curvature": (lambda of: normwise.hessian("mse")(of(FAR), of(NEAR)), np.full((2, 2), 2.0)),
    "norm": (lambda of: normwise.norm(of(FAR)), np.sqrt(np.sum(FAR**2))),
    "norm of many": (lambda of: normwise.norm(of(ONES), 1), MANY),
    "norms of rows": (lambda of: normwise.norm(of(FAR), dim=1), np.sqrt(np.sum(FAR**2, 1))),
    "distance": (lambda of: normwise.distance(of(FAR), of(NEAR)), np.sqrt(np.sum(FAR**2, 1))),
    "pairs": (lambda of: normwise.pairwise(of(ONES[None]), of(ZEROS[None]), "l1"), [[MANY]]),
    "pairs' squares": (lambda of: normwise.pairwise(of(FAR), of(NEAR), "sqeuclidean")[:, 0], np.sum(FAR**2, 1)),
    "neighbours": (lambda of: normwise.nearest(of(FAR), of(NEAR), 1).distances[:, 0], np.sqrt(np.sum(FAR**2, 1))),
    "seasonal scale": (lambda of: scores.seasonal_scale(of(np.arange(MANY) % 2)), 1.0),
    "score": (
        lambda of: scores.r2_score(of(FAR), of(MOVED)),
        1 - np.sum((MOVED - FAR) ** 2) / np.sum((MOVED - MOVED.mean()) ** 2),
    ),
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("what", CASES)
def test_half_precision_is_computed_in_float32(what: str, maker: str) -> None:
    compute, expected = CASES[what]
    found = compute(MAKERS[maker])
    np.testing.assert_allclose(np.asarray(found, np.float64), expected, rtol=1e-6)


@pytest.mark.parametrize("maker", MAKERS)
def test_elements_and_gradients_keep_their_dtype_and_reductions_are_float32(maker: str) -> None:
    x, t = MAKERS[maker](FAR), MAKERS[maker](NEAR)
    value, gradient = normwise.value_and_grad("l1")(x, t)
    assert normwise.l1_loss(x, t, reduction="none").dtype == gradient.dtype == x.dtype
    assert {value.dtype, normwise.norm(x).dtype, normwise.pairwise(x, t).dtype} == {np.dtype(np.float32)}


@pytest.mark.parametrize("half", [np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e5m2])
@pytest.mark.parametrize("other", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64, np.int32, np.bool_])
def test_numpys_dtypes_are_promoted_to_one_that_has_both(half: Any, other: Any) -> None:
    x, t = np.array([3.0, 1.0], half), np.array([1.0, 0.0]).astype(other)
    assert float(normwise.mse_loss(x, t)) == 2.5
    assert float(normwise.norm(x, weight=t.astype(np.float64))) == 3.0
    np.testing.assert_array_equal(np.asarray(normwise.l1_loss(x, t, reduction="none"), np.float64), [2.0, 1.0])


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_jax_differentiates_and_compiles_it(dtype: Any) -> None:
    x, t = jnp.ones(MANY, dtype), jnp.zeros(MANY, dtype)
    gradient = jax.jit(jax.grad(lambda x: normwise.l1_loss(x, t)))(x)
    assert gradient.dtype == dtype
    np.testing.assert_allclose(np.asarray(gradient, np.float64), 1 / MANY, rtol=4e-3)  # rounded once, to the dtype
    assert float(jax.jit(normwise.mse_loss)(320 * x[:2], t[:2])) == 320**2


def test_a_mask_of_an_extension_is_no_mask() -> None:
    x = np.ones(2, ml_dtypes.bfloat16)
    with pytest.raises(DtypeError, match="mask is bfloat16: expected bool"):
        normwise.l1_loss(x, x, mask=x)
