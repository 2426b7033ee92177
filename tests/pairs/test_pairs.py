"""All pairs' distances against SciPy, scikit-learn, mpmath and torch in float64."""

import math
from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN
from sklearn.metrics.pairwise import nan_euclidean_distances, pairwise_distances

import normwise
from normwise.libraries.arrays import MEMORY
from normwise.pairs import blocks, on_kernels
from tests.faces import FACES, agree, unsilenced
from tests.pair_samples import SCIPY, by_scipy, order, points
from tests.samples import REPRESENTATIVE

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

TRUE_METRICS = ("l1", "l2", "linf", "lp", "canberra")


@unsilenced
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("metric", SCIPY)
def test_distances_are_scipys(metric: str, face: str) -> None:
    for n, m, d in ((1, 1, 1), (3, 70, 5), (37, 33, 17), (5, 4, 300)):
        a, b = points(n, d), points(m, d, 2)
        found = normwise.pairwise(FACES[face](a), FACES[face](b), metric, **order(metric))
        agree(found, by_scipy(a, b, metric), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", [*REPRESENTATIVE, "barron", "arctan"])
def test_every_loss_is_a_metric(name: str) -> None:
    loss = normwise.losses[name]
    a, b = points(6, 20), points(40, 20, 2)
    values = getattr(normwise, loss.function)(a[:, None], b, reduction="none", broadcast=True)
    torch.testing.assert_close(normwise.pairwise(a, b, name), values.sum(-1), rtol=1e-12, atol=0)
    torch.testing.assert_close(normwise.pairwise(a, b, getattr(normwise, loss.function)), values.sum(-1))


@pytest.mark.usefixtures("catalogue")
def test_a_loss_has_its_parameters_and_may_be_ones_own() -> None:
    a, b = points(6, 3), points(4, 3, 2)
    expected = torch.nn.functional.huber_loss(a[:, None].expand(6, 4, 3), b.expand(6, 4, 3), "none", 0.3).sum(-1)
    for found in (normwise.pairwise(a, b, "huber", delta=0.3), normwise.pairwise(a, b, "huber:delta=0.3")):
        torch.testing.assert_close(found, expected)

    @normwise.loss
    def hinge_of_pairs(r, margin=0.5):  # type: ignore[no-untyped-def]
        return normwise.formula.where(abs(r) > margin, abs(r) - margin, 0)

    expected = torch.relu((a[:, None] - b).abs() - 0.5).sum(-1)
    torch.testing.assert_close(normwise.pairwise(a, b, hinge_of_pairs), expected)


SINGLE = (torch.float32, torch.float16)

MIXED = ((torch.float64, torch.float64), SINGLE, (torch.bfloat16, torch.int8))

ROUNDED = {"l1": 6 * 2.0**-24}

"""How far a distance of float32 may be off where not only the result is rounded to it: see `pairwise`."""


@pytest.mark.parametrize(
    ("metric", "dtypes"), [("l1", MIXED), ("l2", MIXED), ("linf", [SINGLE]), ("cosine", [MIXED[0]])]
)
def test_any_strides_dtypes_and_batches(metric: str, dtypes: Sequence[tuple[torch.dtype, torch.dtype]]) -> None:
    whole = points(40, 36).reshape(2, 20, 36)
    for a, b in (
        (whole[0].T, whole[1].T[::2]),
        (whole[:, ::2, 1::3], whole[:, 5:, ::3]),
        (whole[:, None, :, :20], whole[:, :, :20].expand(3, 2, 20, 20).transpose(0, 1)),
        (whole, whole[0]),
    ):
        batch = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        for dtype, other in dtypes:
            x, t = (3 * a).to(dtype), (3 * b).to(other)
            found = normwise.pairwise(x, t, metric)
            wide = [s.double().expand(*batch, *s.shape[-2:]).reshape(-1, *s.shape[-2:]) for s in (x, t)]
            expected = torch.stack([by_scipy(s, u, metric) for s, u in zip(*wide, strict=True)])
            assert found.dtype is (torch.float64 if other is not torch.float16 else torch.float32)
            torch.testing.assert_close(
                found.double(),
                expected.reshape(found.shape),
                rtol=ROUNDED.get(metric, 1e-7) if found.dtype is torch.float32 else 1e-12,
                atol=1e-12 * (metric == "cosine"),
                equal_nan=True,
            )


def test_a_single_point_has_no_dimension() -> None:
    a, b = points(1, 4)[0], points(3, 4, 2)
    expected = by_scipy(a[None], b, "l2")
    for kind in (FACES["torch"], FACES["numpy"]):
        x, t = kind(a), kind(b)
        agree(normwise.pairwise(x, t), expected[0])
        agree(normwise.pairwise(t, x), expected[0])
        agree(normwise.pairwise(x, t[1]), expected[0, 1])
        agree(normwise.pairwise(x, t, reduce="min"), expected.min())
        agree(normwise.pairwise(t, x, reduce="sum", dim=-2), expected.sum())
        agree(normwise.nearest(x, t, 2).distances, expected[0].sort().values[:2])


@pytest.mark.parametrize("metric", SCIPY)
@pytest.mark.parametrize("d", [3, 40])
def test_a_set_with_itself_is_exactly_0_on_the_diagonal_and_symmetric(metric: str, d: int) -> None:
    for dtype in (torch.float32, torch.float64):
        found = normwise.pairwise(points(50, d, dtype=dtype) + 1e3, metric=metric, **order(metric))
        assert not found.diagonal().any()
        assert torch.equal(found, found.T)


@pytest.mark.parametrize("metric", ["l2", "lp"])
def test_the_whole_range_of_float64(metric: str) -> None:
    values = np.array([[1e200, 3e200], [1e-200, 2e-200], [0.0, 0.0], [5e-324, 0.0], [1.0, 1.0], [-1e300, 1e300]])
    p = {"l2": 2, "lp": 3}[metric]
    with mpmath.workdps(50):
        exact = [
            [
                float(
                    mpmath.fsum(abs(mpmath.mpf(x) - mpmath.mpf(t)) ** p for x, t in zip(s, u, strict=True))
                    ** (mpmath.mpf(1) / p)
                )
                for u in values
            ]
            for s in values
        ]
    keywords = {"p": p} if metric == "lp" else {}
    np.testing.assert_allclose(normwise.pairwise(values, metric=metric, **keywords), exact, rtol=1e-14)
    x = torch.tensor(values, requires_grad=True)
    found = normwise.pairwise(x, x.detach(), metric, **keywords)
    np.testing.assert_allclose(found.detach(), exact, rtol=1e-14)
    found[1, 2].backward()
    ratios = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert x.grad is not None
    torch.testing.assert_close(x.grad[1], ratios ** (p - 1) / (ratios**p).sum() ** ((p - 1) / p))
    assert not x.grad[[0, 2, 3, 4, 5]].any()


@pytest.mark.parametrize("d", [1, 7, 16, 50, 4000])
def test_moduli_of_float32_keep_their_digits(d: int) -> None:
    a, b = points(30, d, dtype=torch.float32), points(200, d, 2, torch.float32)
    b[:100] = a[0] + 1e-3 * b[:100]
    found, exact = normwise.pairwise(a, b, "l1").double(), by_scipy(a.double(), b.double(), "l1")
    assert ((found - exact).abs() <= ROUNDED["l1"] * exact).all()
    assert torch.equal(
        normwise.pairwise(a, b, "linf").double(), by_scipy(a.double(), b.double(), "linf").float().double()
    )
    largest = torch.full((1, d), 3e38)
    assert normwise.pairwise(largest, -largest, "l1").item() == math.inf
    tiny = torch.full((1, d), 1e-45)
    assert normwise.pairwise(tiny, -tiny, "l1").item() == 2 * d * tiny[0, 0].item()


def test_float32_is_summed_wider() -> None:
    d = 20_000
    a, b = torch.full((1, d), 3e38), torch.full((1, d), -1e38)
    b[0, 1:] = a[0, 1:] - 1e25
    exact = math.sqrt(
        float(a[0, 0].double() - b[0, 0].double()) ** 2 + (d - 1) * float(a[0, 1].double() - b[0, 1].double()) ** 2
    )
    assert normwise.pairwise(a / 4, b / 4).item() == pytest.approx(exact / 4, rel=6e-8)
    small = torch.full((1, d), 1e-30)
    assert normwise.pairwise(small, torch.zeros(1, d)).item() == pytest.approx(1e-30 * math.sqrt(d), rel=1e-6)
    tenth = torch.full((1, d), 0.1)
    assert normwise.pairwise(tenth, torch.zeros(1, d), "l1").item() == pytest.approx(d * float(tenth[0, 0]), rel=6e-8)


@pytest.mark.parametrize("p", [0.3, 0.5, 0.9])
def test_orders_below_1(p: float) -> None:
    for dtype in (torch.float32, torch.float64):
        a, b = points(6, 4, dtype=dtype), points(7, 4, 2, dtype)
        expected = ((a.double()[:, None] - b.double()).abs() ** p).sum(-1) ** (1 / p)
        found = normwise.pairwise(a, b, "lp", p=p)
        torch.testing.assert_close(found.double(), expected, rtol=1e-6 if dtype is torch.float32 else 1e-13, atol=0)


def test_weights_beyond_what_powers_leave_of_the_range() -> None:
    far, near = np.array([[1e10]]), np.array([[1e-100]])
    origin = np.zeros((1, 1))
    assert normwise.pairwise(origin, far, weight=np.array([1e300])) == pytest.approx(1e160, rel=1e-14)
    assert normwise.pairwise(origin, near, weight=np.array([1e-300])) == pytest.approx(1e-250, rel=1e-14)


@pytest.mark.parametrize("shape", [(2000, 1), (1, 2000), (700, 3)], ids=str)
def test_few_points_on_a_side(shape: tuple[int, int]) -> None:
    a, b = points(shape[0], 5), points(shape[1], 5, 2)
    for metric in ("l1", "linf", "cosine"):
        torch.testing.assert_close(normwise.pairwise(a, b, metric), by_scipy(a, b, metric), rtol=1e-12, atol=1e-14)


@unsilenced
@pytest.mark.parametrize("face", FACES)
def test_missing_features_are_stood_for_as_scikit_learn_does(face: str) -> None:
    a, b = points(9, 6), points(7, 6, 2)
    generator = torch.Generator().manual_seed(4)
    a[torch.rand(9, 6, generator=generator) < 0.3] = math.nan
    b[torch.rand(7, 6, generator=generator) < 0.3] = math.nan
    a[2] = math.nan
    expected = torch.from_numpy(nan_euclidean_distances(a, b))
    make = FACES[face]
    agree(normwise.pairwise(make(a), make(b), nan_policy="omit"), expected, rtol=1e-12, atol=0)
    masks = (make(~a.isnan()), make(~b.isnan()))
    agree(normwise.pairwise(make(a), make(b), mask=masks), expected, rtol=1e-12, atol=0)
    # scikit-learn goes through a matrix product: a point is up to 1e-7 from itself.
    itself = torch.from_numpy(nan_euclidean_distances(a, a))
    for found in (normwise.pairwise(make(a), make(a), mask=masks[0]), normwise.pairwise(make(a), mask=masks[0])):
        agree(found, itself, rtol=1e-12, atol=1e-7)
        assert [i for i in range(9) if found[i, i] == 0] == [0, 1, 3, 4, 5, 6, 7, 8]
    agree(normwise.pairwise(make(a), make(b))[0, 0], torch.tensor(math.nan, dtype=torch.float64))
    weight = torch.arange(1.0, 7.0, dtype=torch.float64)
    there = (~a.isnan())[:, None] & ~b.isnan()
    terms = (a[:, None] - b).abs().nan_to_num() * weight
    share = weight.sum() / (there * weight).sum(-1)
    scaled = terms.sum(-1) * torch.where(share.isinf(), math.nan, share)
    agree(normwise.pairwise(make(a), make(b), "l1", weight=make(weight), nan_policy="omit"), scaled, rtol=1e-12, atol=0)
    largest = torch.where(there, (a[:, None] - b).abs(), -1).amax(-1)
    largest[largest < 0] = math.nan
    agree(normwise.pairwise(make(a), make(b), "linf", nan_policy="omit"), largest, rtol=1e-12, atol=0)
    with pytest.raises(normwise.errors.InputError, match=r"b holds \d+ nan"):
        normwise.pairwise(make(a.nan_to_num()), make(b), nan_policy="raise")


@unsilenced
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("metric", ["l1", "l2", "cosine", "linf", "huber"])
def test_the_nearest_are_those_of_a_stable_sort(metric: str, face: str) -> None:
    a, b = points(60, 3).mul(2).round(), points(300, 3, 2).mul(2).round()  # with many ties
    make = FACES[face]
    whole = normwise.pairwise(a, b, metric)
    values, indices = torch.sort(whole, dim=-1, stable=True)
    for k in (1, 7, 300):
        found = normwise.nearest(make(a), make(b), k, metric)
        agree(found.distances, values[:, :k], rtol=1e-12, atol=1e-15)
        assert np.array_equal(np.asarray(found.indices), indices[:, :k].numpy())


def test_the_nearest_put_nan_last_and_have_gradients() -> None:
    a, b = points(4, 3).requires_grad_(), points(9, 3, 2)
    b[2, 0] = b[5, 1] = math.nan
    b.requires_grad_()
    found = normwise.nearest(a, b, 9)
    assert found.indices[:, -2:].tolist() == [[2, 5]] * 4
    assert found.distances[:, -2:].isnan().all()
    gradients = torch.autograd.grad(normwise.nearest(a, b, 3).distances.sum(), (a, b))
    there = torch.tensor([0, 1, 3, 4, 6, 7, 8])
    full = torch.sort(torch.cdist(a, b[there]), dim=-1).values[:, :3].sum()
    torch.testing.assert_close(gradients, torch.autograd.grad(full, (a, b)))
    assert torch.autograd.gradgradcheck(lambda a: normwise.nearest(a, b.detach(), 3).distances, (a,))


@unsilenced
@pytest.mark.parametrize("face", FACES)
def test_the_nearest_where_powers_leave_the_range(face: str) -> None:
    make = FACES[face]
    for scale in (1e200, 1e-200):
        b = torch.tensor([[3.0], [2.0], [4.0]], dtype=torch.float64) * scale
        found = normwise.nearest(make(torch.zeros(1, 1, dtype=torch.float64)), make(b), 2)
        agree(found.distances, torch.tensor([[2.0, 3.0]], dtype=torch.float64) * scale, rtol=1e-14, atol=0)
        assert np.asarray(found.indices).tolist() == [[1, 0]]


def test_many_of_the_nearest_are_sorted() -> None:
    a, b = points(40, 3).mul(2).round(), points(90, 3, 2).mul(2).round()
    values, indices = torch.sort(normwise.pairwise(a, b), dim=-1, stable=True)
    for k in (18, 19, 90):  # on both sides of where sorting is quicker
        found = normwise.nearest(a, b, k)
        assert torch.equal(found.indices, indices[:, :k])
        torch.testing.assert_close(found.distances, values[:, :k])


def test_the_nearest_of_a_subclass_are_of_its_kind() -> None:
    class Own(torch.Tensor):
        pass

    found = normwise.nearest(points(3, 2).as_subclass(Own), points(5, 2, 2), 2)
    assert type(found.distances) is Own
    assert found.indices.shape == (3, 2)


def test_the_nearest_of_masked_batches() -> None:
    a, b = points(12, 4).reshape(3, 4, 4), points(7, 4, 2)
    mask = torch.tensor([True, True, False, True])
    weight = torch.tensor([1.0, 2.0, 3.0, 4.0])
    whole = normwise.pairwise(a, b, "l1", mask=mask, weight=weight)
    found = normwise.nearest(a, b, 2, "l1", mask=mask, weight=weight)
    torch.testing.assert_close(found.distances, whole.sort(-1).values[..., :2])
    assert torch.equal(found.indices, whole.argsort(-1)[..., :2])


@unsilenced
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("reduce", ["min", "mean", "sum"])
@pytest.mark.parametrize("dim", [-1, -2])
def test_reductions_are_those_of_the_matrix(reduce: str, dim: int, face: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "WIDE", 16)
    monkeypatch.setattr(blocks, "BLOCK", 100)
    a, b = points(40, 3), points(70, 3, 2)
    expected = getattr(torch, {"min": "amin"}.get(reduce, reduce))(by_scipy(a, b, "l2"), dim)
    make = FACES[face]
    agree(normwise.pairwise(make(a), make(b), reduce=reduce, dim=dim), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("metric", ["l2", "sqeuclidean"])
def test_fast_errs_by_no_more_than_it_says(metric: str) -> None:
    for d, shift in ((3, 0.0), (100, 1e4)):
        a, b = points(50, d, dtype=torch.float32) + shift, points(60, d, 2, torch.float32) + shift
        found = normwise.pairwise(a, b, metric, fast=True).double()
        squares = found if metric == "sqeuclidean" else found**2
        centred = [(x.double() - b.double().mean(0)).square().sum(1) for x in (a, b)]
        bound = (d + 8) * torch.finfo(torch.float32).eps * (centred[0][:, None] + centred[1])
        assert ((squares - by_scipy(a.double(), b.double(), "sqeuclidean")).abs() <= bound).all()
    a, b = points(4, 3).requires_grad_(), points(5, 3, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: normwise.pairwise(a, b, metric, fast=True), (a, b))
    np.testing.assert_allclose(
        normwise.pairwise(a.detach().numpy(), metric=metric, fast=True),
        by_scipy(a.detach(), a.detach(), metric),
        atol=1e-6,
    )


def test_conventions_for_points_at_0() -> None:
    zero, other = np.zeros((1, 3)), np.array([[1.0, 2.0, 3.0]])
    for metric, apart in (("cosine", 1.0), ("braycurtis", 1.0), ("canberra", 3.0)):
        assert normwise.pairwise(zero, zero, metric) == 0
        assert normwise.pairwise(zero, other, metric) == apart
    assert pairwise_distances(zero, other, metric="cosine") == 1


def test_scikit_learn_takes_it_as_a_metric() -> None:
    x = np.random.default_rng(6).normal(size=(40, 2))
    ours = DBSCAN(eps=0.5, metric=normwise.pairwise).fit(x).labels_
    precomputed = DBSCAN(eps=0.5, metric="precomputed").fit(normwise.pairwise(x)).labels_
    theirs = DBSCAN(eps=0.5).fit(x).labels_
    assert np.array_equal(ours, theirs)
    assert np.array_equal(precomputed, theirs)


def test_no_points() -> None:
    nothing, some = torch.zeros(0, 3), torch.zeros(2, 3)
    assert normwise.pairwise(nothing, some).shape == (0, 2)
    assert normwise.pairwise(some, nothing).shape == (2, 0)
    assert normwise.pairwise(some, nothing, reduce="sum").tolist() == [0, 0]
    assert normwise.pairwise(torch.zeros(2, 0), torch.zeros(3, 0), "l1").tolist() == [[0] * 3] * 2
    for reduce in ("min", "mean"):
        with pytest.raises(normwise.errors.ParameterError, match=f"the {reduce} of no distances has no value: b"):
            normwise.pairwise(some, nothing, reduce=reduce)
    with pytest.raises(normwise.errors.ParameterError, match="largest difference has no value"):
        normwise.pairwise(torch.zeros(2, 0), metric="linf")


INPUT, SHAPE = normwise.errors.InputError, normwise.ShapeMismatchError


@pytest.mark.parametrize("face", ["torch", "numpy"])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"metric": "l3"}, INPUT, "there is no metric 'l3': .*l2"),
        ({"metric": "euclidian"}, INPUT, "euclidean"),
        ({"metric": 3}, INPUT, "named by a string"),
        ({"metric": "lp"}, INPUT, "needs its order p"),
        ({"metric": "lp", "p": -1}, normwise.errors.ParameterError, "expected 0 or more"),
        ({"metric": "lp", "p": math.nan}, INPUT, "is nan"),
        ({"metric": "lp", "p": "3"}, INPUT, "real number"),
        ({"p": 3}, INPUT, "p is the order of the metric 'lp', but the metric is 'l2'"),
        ({"delta": 3}, INPUT, "the metric 'l2' has no parameter 'delta'"),
        ({"metric": "huber", "delta": -3}, normwise.errors.ParameterError, "delta"),
        ({"b": torch.zeros(3, 4)}, SHAPE, r"a is \(2, 3\) and b is \(3, 4\): their points have 3 and 4 features"),
        ({"a": torch.zeros(())}, SHAPE, "a is a number"),
        ({"a": torch.zeros(2, 2, 3), "b": torch.zeros(3, 2, 3)}, SHAPE, r"batches \(2,\) and \(3,\) do not broadcast"),
        ({"weight": torch.ones(2)}, SHAPE, r"weight is \(2,\): expected one for each of 3 features"),
        ({"weight": -torch.ones(3)}, INPUT, "3 of the weights are negative"),
        ({"mask": torch.ones(4, 3) > 0}, SHAPE, "mask is"),
        ({"mask": torch.ones(3)}, normwise.errors.DtypeError, "expected bool"),
        ({"mask": (torch.ones(3) > 0,)}, INPUT, "mask holds 1 arrays"),
        ({"reduce": "max"}, INPUT, "'max' is not a valid value for reduce"),
        ({"reduce": "min", "dim": 0}, normwise.errors.DimensionError, "dim is 0"),
        ({"nan_policy": "drop"}, INPUT, "nan_policy"),
        ({"a": torch.zeros(2, 3) * 1j}, normwise.errors.DtypeError, "complex"),
    ],
    ids=str,
)
def test_bad_input_is_refused(arguments: dict[str, Any], error: type[Exception], message: str, face: str) -> None:
    def made(given: Any) -> Any:
        return FACES[face](given) if isinstance(given, torch.Tensor) else given

    given = {"a": torch.zeros(2, 3), "b": torch.zeros(5, 3), **arguments}
    given = {k: tuple(map(made, v)) if isinstance(v, tuple) else made(v) for k, v in given.items()}
    with pytest.raises(error, match=message):
        normwise.pairwise(**given)


@pytest.mark.parametrize(("k", "message"), [(0, "expected 1 to 5"), (6, "b has 5 points"), (1.5, "is to be an int")])
def test_k_is_checked(k: Any, message: str) -> None:
    for kind in (FACES["torch"], FACES["numpy"]):
        with pytest.raises(INPUT, match=message):
            normwise.nearest(kind(torch.zeros(2, 3)), kind(torch.zeros(5, 3)), k)


def test_what_is_no_array_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a torch tensor for b"):
        normwise.pairwise(torch.zeros(2, 3), np.zeros((2, 3)))
    with pytest.raises(TypeError, match="expected an array for a"):
        normwise.pairwise({1.0})


def test_where_powers_may_leave_the_range_is_seen() -> None:
    inside, memory = on_kernels.surely_inside, MEMORY
    ones = np.ones((2, 2))
    assert inside(memory, 2, {"x": ones, "t": ones})
    assert not inside(memory, 2, {"x": 1e151 * ones, "t": ones})
    assert not inside(memory, 2, {"x": 1e-140 * ones, "t": ones})
    assert inside(memory, 2, {"x": (1e38 * ones).astype("f4"), "t": ones.astype("f4")})
    assert inside(memory, 7, {"x": ones.astype("f4"), "t": ones.astype("f4")})
    assert not inside(memory, 8, {"x": (1e38 * ones).astype("f4"), "t": ones.astype("f4")})


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 4).flatmap(
        lambda d: st.lists(st.lists(st.floats(-1e6, 1e6), min_size=d, max_size=d), min_size=3, max_size=6)
    ),
    st.sampled_from(TRUE_METRICS),
)
def test_the_axioms_of_a_metric(values: list[list[float]], metric: str) -> None:
    x = np.array(values)
    found = normwise.pairwise(x, metric=metric, **order(metric))
    assert (found >= 0).all()
    assert not found.diagonal().any()
    assert np.array_equal(found, found.T)
    through = (found[:, :, None] + found[None, :, :]).min(axis=1)
    assert (found <= through * (1 + 1e-13)).all()
    if metric != "canberra":
        np.testing.assert_allclose(normwise.pairwise(-2 * x, metric=metric, **order(metric)), 2 * found, rtol=1e-13)
