"""Tensors that do not lie in memory element by element: the errors name mends, which work."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

import normwise
from normwise.errors import LayoutError

Tensor = torch.Tensor

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*nested tensors is in prototype stage:UserWarning",
    "ignore:Sparse .* support is in beta:UserWarning",
)

PARTS = (torch.tensor([[3.0, 1.0], [0.0, -2.0], [5.0, 1.0]]), torch.tensor([[1.0, 4.0]]))
WHOLE = torch.cat(PARTS)

LAYOUTS: dict[str, Callable[[float], Tensor]] = {
    "jagged": lambda factor: torch.nested.nested_tensor([factor * x for x in PARTS], layout=torch.jagged),
    "nested": lambda factor: torch.nested.nested_tensor([factor * x for x in PARTS]),
    "sparse": lambda factor: (factor * WHOLE).to_sparse(),
    "compressed": lambda factor: (factor * WHOLE).to_sparse_csr(),
}

SUMS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], float]] = {
    "loss": (lambda a, b: normwise.l1_loss(a, b, reduction="sum"), 17.0),
    "rows": (lambda a, b: normwise.mse_loss(a, b, reduction="sum", dim=-1).sum(), 57.0),
    "means": (lambda a, b: normwise.rmse_loss(a, b) * 0, 0.0),
    "norm": (lambda a, b: normwise.norm(a, 1), 34.0),
    "norm of rows": (lambda a, b: normwise.norm(a, 1, dim=-1).sum(), 34.0),
    "distance": (lambda a, b: normwise.distance(a, b, 1).sum(), 17.0),
}
"""Functions of which the parts' results add up to the whole's, and that of 2 x and x."""


@pytest.mark.parametrize("function", SUMS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_mends_that_the_error_names_give_the_whole(layout: str, function: str) -> None:
    compute, whole = SUMS[function]
    a, b = (LAYOUTS[layout](factor) for factor in (2.0, 1.0))
    with pytest.raises(LayoutError) as error:
        compute(a, b)
    mends: list[str] = re.findall(r"\.(\w+)\(\)", str(error.value))
    assert mends == (["unbind", "values"] if a.is_nested else ["to_dense"])
    for mend in mends:
        first, second = (getattr(x, mend)() for x in (a, b))
        parts: Any = zip(first, second, strict=True) if mend == "unbind" else [(first, second)]
        assert sum(float(compute(*part)) for part in parts) == whole


@pytest.mark.parametrize("layout", ["jagged", "nested"])
def test_pairs_of_nested_points_are_those_of_each_part(layout: str) -> None:
    a = LAYOUTS[layout](1.0)
    for function in (normwise.pairwise, lambda x: normwise.nearest(x, x, 1)):
        with pytest.raises(LayoutError, match=r"each of a\.unbind\(\)"):
            function(a)
    assert [tuple(normwise.pairwise(part).shape) for part in a.unbind()] == [(3, 3), (1, 1)]
