"""The layout of calls as planes x rows x columns."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from normwise.engines.layout import lay_out


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 2), st.booleans(), st.booleans()), max_size=4),
    st.permutations(range(4)),
    st.booleans(),
)
def test_a_layout_visits_every_element_of_every_array_once(
    dimensions: list[tuple[int, int, bool, bool]], order: list[int], both: bool
) -> None:
    """Sliced, turned, expanded or permuted: the walk meets the elements as pairs."""
    a = np.arange(np.prod([n * k for n, k, _, _ in dimensions], dtype=int)).reshape(
        [n * k for n, k, _, _ in dimensions]
    )
    a = a[tuple(slice(None, None, -k if back else k) for _, k, back, _ in dimensions)]
    b = np.arange(a.size).reshape(a.shape)
    b = np.broadcast_to(b[tuple(slice(0, 1) if wide else slice(None) for *_, wide in dimensions)], a.shape)
    axes = [axis for axis in order if axis < a.ndim]
    a, b = (a.transpose(axes), b.transpose(axes) if both else b.transpose(axes).copy())
    layout = lay_out(a.shape, [[s // x.itemsize for s in x.strides] for x in (a, b)])
    if layout is None:
        assert a.ndim > 3
        return
    assert layout.planes * layout.rows * layout.columns == a.size
    walked = [
        tuple(plane * planes + row * rows + column * columns for planes, rows, columns in layout.strides)
        for plane in range(layout.planes)
        for row in range(layout.rows)
        for column in range(layout.columns)
    ]
    places = [
        tuple(sum(i * s // x.itemsize for i, s in zip(at, x.strides, strict=True)) for x in (a, b))
        for at in np.ndindex(a.shape)
    ]
    assert sorted(walked) == sorted(places)
