"""What is told of a loss, against what the literature says of it and against its own values."""

import functools
import math
import re
from typing import Any

import array_api_strict as strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import normwise
from normwise.catalogue import Interval, Loss, declare
from normwise.catalogue.peers import peers_of
from normwise.errors import InputError
from normwise.explanation.convert import convert
from normwise.explanation.explain import Explanation, chosen, explain
from normwise.formula import where
from normwise.loss_functions.choice import parse_loss

explained = functools.cache(explain)
"""Of the catalogue's losses, which many tests ask for."""

TRAITS = ("convex", "symmetric", "bounded", "redescending")

KNOWN: dict[str, tuple[bool, bool, bool, bool]] = {
    # Huber and Ronchetti, Robust Statistics, 2009; Maronna et al., Robust Statistics, 2019
    "l1": (True, True, True, False),
    "mse": (True, True, False, False),
    "half_mse": (True, True, False, False),
    "huber": (True, True, True, False),
    "smooth_l1:beta=0.3": (True, True, True, False),
    "pseudo_huber:delta=3": (True, True, True, False),
    "charbonnier": (True, True, True, False),
    "log_cosh": (True, True, True, False),
    "cauchy:c=2": (False, True, True, True),
    "geman_mcclure": (False, True, True, True),
    "welsch:c=0.2": (False, True, True, True),
    "arctan": (False, True, True, True),
    "tukey": (False, True, True, True),
    "andrews": (False, True, True, True),
    "hampel": (False, True, True, True),
    "ramsay": (False, True, True, True),
    "trimmed_mean": (False, True, True, True),
    "student_t_nll": (False, True, True, True),
    # Barron, 2019: convex from alpha = 1 on, bounded up to it, redescending below it
    "barron:alpha=2": (True, True, False, False),
    "barron:alpha=1.5": (True, True, False, False),
    "barron:alpha=1": (True, True, True, False),
    "barron:alpha=0.5": (False, True, True, True),
    "barron:alpha=0": (False, True, True, True),
    "barron:alpha=-2": (False, True, True, True),
    "barron:alpha=-inf": (False, True, True, True),
    # Koenker and Bassett, 1978; Newey and Powell, 1987; Varian, 1975
    "quantile:q=0.9": (True, False, True, False),
    "quantile": (True, True, True, False),
    "huber_quantile:q=0.2": (True, False, True, False),
    "expectile:q=0.9": (True, False, False, False),
    "linex": (True, False, False, False),
    # McCullagh and Nelder, 1989: of the mean Poisson's is convex and the gamma's is not; of its logarithm both are
    "poisson_deviance": (True, False, False, False),
    "gamma_deviance": (False, False, False, False),
    "gamma_deviance:log_input=1": (True, False, False, False),
    "poisson_nll": (True, False, False, False),
    "gaussian_nll": (True, True, False, False),
    "laplace_nll": (True, True, True, False),
    "absolute_percentage": (True, True, True, False),
    "msle": (False, False, False, False),
    # of one element among others: a root takes the outlier's square back, a logarithm lets go of it
    "rmse": (True, True, True, False),
    "log_mse": (False, True, True, True),
    "wmape": (True, True, True, False),
}


@pytest.mark.parametrize("text", KNOWN)
def test_the_shape_is_that_of_the_literature(text: str) -> None:
    told = explain(text)
    assert tuple(told.traits[name].holds for name in TRAITS) == KNOWN[text]


def value(told: Explanation, at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The loss by its function, as a call computes it: of arrays of a strict namespace, for which none is compiled."""
    x, one = strict.asarray(at), strict.asarray(np.ones_like(at))
    target = strict.asarray(np.zeros_like(at)) if told.at == "r" else one
    function = normwise.functional.function_of(told.loss)
    parts = told.loss.parts[0] if told.loss.finish is not None else told.loss
    function = normwise.functional.function_of(parts)
    further = [one] * len(parts.further_arrays)
    return np.asarray(function(x, target, *further, reduction="none", **told.parameters))


def outcome(told: Explanation, at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The finished loss where an element is here, beside 99 at a distance of 1 if there is something to finish."""
    if told.loss.finish is None:
        return value(told, at)
    target = np.full((at.size, 100), 0.0 if told.at == "r" else 1.0)
    x = target + 1
    x[:, 0] = at
    function = normwise.functional.function_of(told.loss)
    return np.asarray(function(strict.asarray(x), strict.asarray(target), dim=1, **told.parameters))


def test_convex_is_what_lies_below_its_chords(every_loss: Loss) -> None:
    told = explained(every_loss)
    rng = np.random.default_rng(3)
    centre = 0.0 if told.at == "r" else 1.0
    a, b = centre + rng.choice([-1, 1], (2, 4000)) * 10 ** rng.uniform(-2, 2, (2, 4000))
    with np.errstate(all="ignore"):
        low, high, middle = (outcome(told, each) for each in (a, b, (a + b) / 2))
        above = middle - (low + high) / 2
        scale = np.maximum(abs(low), abs(high))
        chords = np.isfinite(above)
    assert bool(np.any(above[chords] > 1e-9 * scale[chords])) != told.traits["convex"].holds


def pulls(told: Explanation, side: int) -> np.ndarray[Any, Any]:
    """The slopes of chords from the centre to the end, be that far away or where the loss ends to be defined."""
    centre = 0.0 if told.at == "r" else 1.0
    far = 10 ** np.linspace(-3, 8, 400)
    if told.defined and side < 0:
        edge = float(told.defined.rpartition("> ")[2])
        far = np.concatenate([far[far < 0.5], centre - edge - 10 ** np.linspace(-0.5, -8, 200)])
    at = centre + side * np.unique(far)
    with np.errstate(all="ignore"):
        values = outcome(told, at)
        slopes = abs(np.diff(values) / np.diff(at))
    return slopes[np.isfinite(slopes)]


def test_the_pull_of_an_outlier_is_as_measured(every_loss: Loss) -> None:
    told = explained(every_loss)
    sides = [pulls(told, side) for side in (-1, 1)]
    tenth = [len(slopes) // 10 for slopes in sides]
    bounded = [s[-1] <= 1.01 * max(s[:-n]) for s, n in zip(sides, tenth, strict=True)]
    fading = [ok and s[-1] <= 1e-3 * max(s) for ok, s in zip(bounded, sides, strict=True)]
    assert told.traits["bounded"].holds == all(bounded)
    assert told.traits["redescending"].holds == all(fading)


def test_the_bound_of_a_pull_among_others_is_as_measured() -> None:
    for name, most in (("rmse", 0.1), ("log_mse", 1 / math.sqrt(99)), ("wmape", 0.01)):
        assert pulls(explained(normwise.losses[name]), 1).max() == pytest.approx(most, rel=0.01)
        assert f"a slope of {most:.4g} at most" in explain(name).traits["bounded"].text


def test_points_are_values_of_the_function_and_slopes_are_differences(every_loss: Loss) -> None:
    told = explained(every_loss)
    points = [point for point in told.points if math.isfinite(point.value)]
    assert len(points) >= 5
    at = np.asarray([point.at for point in points])
    h = 1e-6
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(value(told, at), [point.value for point in points], rtol=1e-9, atol=1e-12)
    smooth = [
        i
        for i, point in enumerate(points)
        if all(abs(point.at - kink.at) > 2 * h for kink in told.kinks) and math.isfinite(point.slope)
    ]
    with np.errstate(all="ignore"):
        slopes = ((value(told, at + h) - value(told, at - h)) / (2 * h))[smooth]
    found = np.asarray([points[i].slope for i in smooth])
    steep = np.asarray([abs(points[i].curvature) for i in smooth]) > 1e6  # beside an edge
    defined = np.isfinite(slopes) & ~steep
    np.testing.assert_allclose(found[defined], slopes[defined], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "kinks"),
    [
        ("l1", [(0.0, "slope")]),
        ("quantile:q=0.9", [(0.0, "slope")]),
        ("huber:delta=3", [(-3.0, "curvature"), (3.0, "curvature")]),
        ("smooth_l1:beta=0", [(0.0, "slope")]),
        ("trimmed_mean", [(-2.0, "slope"), (2.0, "slope")]),
        ("hampel", [(side * at, "curvature") for side, at in ((-1, 8), (-1, 4), (-1, 2), (1, 2), (1, 4), (1, 8))]),
        ("expectile:q=0.9", [(0.0, "curvature")]),
        ("andrews:a=2", [(-2 * math.pi, "curvature"), (2 * math.pi, "curvature")]),
        ("mse", []),
        ("log_cosh", []),  # whose branches meet smoothly
        ("tukey", []),
        ("welsch", []),
        ("absolute_percentage", [(1.0, "slope")]),
        ("1 if r > 2 else 0", [(2.0, "value")]),
        ("max(r, 0.5)", [(0.5, "slope")]),
    ],
)
def test_kinks_are_where_something_jumps(text: str, kinks: list[tuple[float, str]]) -> None:
    told = explain(text)
    assert [kink.jumps for kink in told.kinks] == [jumps for _, jumps in kinks]
    assert [kink.at for kink in told.kinks] == pytest.approx([at for at, _ in kinks], rel=1e-9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tukey:c=2", f"largest at {2 / math.sqrt(5):.4g}, and 0 from 2 on"),
        ("cauchy:c=3", "largest at 3, and fades to 0"),
        ("welsch:c=3", "largest at 3, and fades to 0"),
        ("ramsay:a=0.5", "largest at 2, and fades to 0"),
        ("andrews:a=2", f"largest at {math.pi:.4g}, and 0 from {2 * math.pi:.4g} on"),
        ("hampel", "largest at 2, and 0 from 8 on"),
        ("trimmed_mean:c=5", "largest at 5, and 0 from 5 on"),
    ],
)
def test_the_largest_pull_and_where_it_ends(text: str, words: str) -> None:
    assert words in explain(text).traits["redescending"].text


@pytest.mark.parametrize(
    ("text", "trait", "words"),
    [
        ("huber:delta=2", "bounded", "a slope of 2 at most"),
        ("quantile:q=0.9", "bounded", "a slope of 0.9 at most"),
        ("linex:a=2", "bounded", "below at most 2, above the slope grows without end"),
        ("poisson_deviance", "bounded", "below the slope grows without end, above at most 2"),
        ("mse", "bounded", "the farther an outlier is, the more it pulls"),
        ("log(cosh(r/s)):s=4", "bounded", "a slope of 0.25 at most"),
        ("cauchy", "convex", "the slope falls from 0.5 at r = 1 to"),
        ("quantile:q=0.9", "symmetric", "0.9 at r = -1, 0.1 at 1"),
        ("gamma_deviance", "redescending", "above, the pull is largest at x = 2 and fades to 0"),
    ],
)
def test_the_evidence_is_told(text: str, trait: str, words: str) -> None:
    assert words in explain(text).traits[trait].text


@pytest.mark.parametrize(
    ("text", "defined", "overflows"),
    [
        ("mse", "", ""),
        ("poisson_deviance", "where x > 0", ""),
        ("msle", "where x > -1", ""),
        ("sqrt(4 - r*r)", "where r > -2 and r < 2", ""),
        ("linex", "", "r > 709"),
        ("log(cosh(r))", "", "r < -708"),
    ],
)
def test_where_it_is_no_number_or_infinite(text: str, defined: str, overflows: str) -> None:
    told = explain(text)
    assert told.defined == defined
    assert bool(told.overflows) == bool(overflows)
    if overflows:
        [place, shown] = (float(re.findall(r"[<>] (\S+)", each)[0]) for each in (overflows, told.overflows))
        assert shown == pytest.approx(place, rel=0.01)


def test_a_scale_far_from_1_is_seen() -> None:
    for delta in (1e-5, 1e5):
        told = explain("huber", delta=delta)
        assert [kink.at for kink in told.kinks] == pytest.approx([-delta, delta])
        assert f"a slope of {delta:.4g} at most" in told.traits["bounded"].text
        assert max(abs(point.at) for point in told.curve) == pytest.approx(2 * delta)


def test_it_is_told_as_its_flags_choose_it() -> None:
    told = explain("poisson_nll", log_input=False, full=False)
    assert "log_input" not in str(told.formula)
    assert str(told.formula.expression) == "x - t * log(x + eps)"
    assert str(explain("poisson_nll").formula.expression) == "exp(x) - t * x"
    assert told.parameters == {"log_input": False, "full": False, "eps": 1e-8}


def nested(r: Any, up: Any = False, c: Any = 1.0) -> Any:
    return where(up != 0, where(r > c, r, 0), where(c > 2, r * r, -r))


def test_what_flags_do_not_choose_stays() -> None:
    formula = declare(nested).written
    assert str(chosen(formula, {"up": True}).expression) == "where(r > c, r, 0)"
    assert str(chosen(formula, {"up": False}).expression) == "where(c > 2, r * r, -r)"
    assert chosen(formula, {"up": True}).parameters == {"c": 1.0}


ODD = """1/(1+r) ; r+inf ; 9**9**9*r ; x*t*inf ; 1/(r-r) ; log(-1-r**2) ; 1/x ; r**inf ; inf*r ; (-1)**0.5*r ; 0**-1*r
log(0)*r ; max(r, inf) ; (-8)**r ; log(t-x-5) ; r*1e400 ; exp(exp(r)) ; 1/r ; log(r) ; r*0 ; 0*r+1 ; r-r ; r**1000
r**-1000 ; 1e308*r ; 1e-320*r ; sqrt(r*r-4) ; where(r > 0, inf, r) ; sin(1e10*r) ; abs(r-1e300) ; t*t ; x*0 ; log(x-t)
1 if r > 1e300 else 2 ; -inf*r ; abs(r)*(9**9**9-9**9**9) ; (10**15)**20*r ; 2**r ; sqrt(-abs(r)) ; 1/log(abs(r))"""


@pytest.mark.parametrize("text", [each.strip() for each in re.split("[;\n]", ODD)])
def test_what_is_accepted_as_a_loss_is_explained(text: str) -> None:
    shown = str(explain(text))
    assert text in shown
    assert f"normwise.loss({text!r})" in shown


@pytest.mark.parametrize(
    ("text", "fact", "words"),
    [
        ("log(-1-r**2)", "defined", "nowhere: it is not a number"),
        ("(-1)**0.5*r", "defined", "nowhere: it is not a number"),
        ("sqrt(r*r-4)", "defined", "where r < -2 or r > 2"),
        ("sqrt(4-r*r)", "defined", "where r > -2 and r < 2"),
        ("r+inf", "convex", "no: it is no finite number"),
        ("1/(r-r)", "bounded", "no: it is no finite number"),
        ("9**9**9*r", "overflows", "float64, everywhere"),
        ("1/(1+r)", "jumps", "r = -1 (value)"),
        ("1/r**2", "jumps", "r = 0 (value)"),
        ("1/(1+r)", "bounded", "no: below the slope grows without end, above at most 1"),
        ("r*r", "jumps", "nowhere: value, slope and curvature are continuous"),
    ],
)
def test_an_odd_loss_is_described_truly(text: str, fact: str, words: str) -> None:
    assert dict(explain(text).facts)[fact] == words


def test_nothing_is_said_of_the_jumps_of_what_is_no_number() -> None:
    assert "jumps" not in dict(explain("r+inf").facts)


NUMBERS = st.sampled_from(["0", "1", "-2", "0.5", "3", "1e-300", "1e300", "inf", "-inf", "9**9**9"])
PARTS = st.recursive(
    st.sampled_from(["r", "r", "r"]) | NUMBERS,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("({})**({})".format, inner, NUMBERS),
        st.builds("{}({})".format, st.sampled_from(["exp", "log", "sqrt", "abs", "cosh", "sin", "log1p"]), inner),
        st.builds("where({} > {}, {}, {})".format, inner, NUMBERS, inner, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(PARTS)
def test_any_formula_that_is_a_loss_is_explained(text: str) -> None:
    text = f"({text})"  # a word alone would be a loss's name
    try:
        normwise.loss(text)
    except InputError:
        return
    assert str(explain(text))


@pytest.mark.long
def test_losses_are_explained_at_the_ends_of_their_parameters(every_loss: Loss) -> None:
    for name in every_loss.parameters.keys() - every_loss.flags:
        domain = every_loss.domain.get(name, Interval())
        numbers = (domain.low, domain.high, 5e-324, 1e-300, 1e-30, 1e30, 1e300, -1e30)
        for number in [each for each in dict.fromkeys(numbers) if each in domain]:
            told = explain(every_loss, **{name: number})
            assert f"{name} = " in dict(told.facts)["parameters"]
            assert every_loss.name in str(told)


def grows(told: Explanation, side: int) -> bool:
    """Whether the loss grows without end: if like a logarithm or faster, a power of exp(-loss) has an integral."""
    near, far = value(told, np.asarray([side * 1e6, side * 1e12]))
    return bool(near == math.inf or far > 1.01 * near)


LIKELIHOODS = """quantile quantile:q=0 quantile:q=1 quantile:q=0.9 huber_quantile huber_quantile:q=0 huber_quantile:q=1
expectile expectile:q=0 expectile:q=1 linex linex:a=0 linex:a=-2 barron barron:alpha=-inf barron:alpha=-2
barron:alpha=-0.5 barron:alpha=0 barron:alpha=0.5 barron:alpha=2 barron:alpha=inf huber huber:delta=inf smooth_l1
smooth_l1:beta=0 smooth_l1:beta=inf cauchy cauchy:c=0.1 l1 mse half_mse pseudo_huber charbonnier log_cosh"""


@pytest.mark.parametrize("text", LIKELIHOODS.split())
def test_a_loss_has_a_noise_where_its_likelihood_is_one(text: str) -> None:
    told = explain(text)
    with np.errstate(all="ignore"):
        likely = grows(told, -1) and grows(told, 1)
    noise = dict(told.facts)["noise"]
    assert noise.startswith("none: ") != likely
    assert told.loss.noise in noise


def test_no_tweedie_distribution_has_a_power_between_0_and_1() -> None:
    for p, known in ((0.0, True), (0.01, False), (0.99, False), (1.0, True), (-1.0, True)):  # Jorgensen, 1987
        assert dict(explain("tweedie_deviance", p=p).facts)["noise"].startswith("none: ") != known


# --- words -----


def test_the_facts_come_from_the_declaration(every_loss: Loss) -> None:
    facts = dict(explained(every_loss).facts)
    for name in every_loss.parameters:
        assert f"{name} = " in facts["parameters"]
    for name in every_loss.further_arrays:
        assert f"{name}, an array in {every_loss.domain.get(name, Interval())}" in facts["parameters"]
    assert facts.get("estimates", "") == every_loss.minimiser
    assert facts.get("noise", "") == every_loss.noise  # at the defaults each is one
    assert ("result" in facts) == (every_loss.finish is not None)


def test_a_parameter_is_told_with_its_domain_and_default() -> None:
    assert dict(explain("huber", delta=2).facts)["parameters"] == "delta = 2, in (0, inf], 1 by default"
    assert dict(explain("huber").facts)["parameters"] == "delta = 1, in (0, inf]"
    assert "log_input = True, True or False" in dict(explain("poisson_nll").facts)["parameters"]


def test_what_others_call_it_is_in_the_table(every_loss: Loss) -> None:
    told = explained(every_loss)
    assert [alias.peer for alias in told.aliases] == list(peers_of(every_loss.name))
    calls = {alias.call: alias.ours for alias in told.aliases}
    if every_loss.name == "huber":
        assert calls["statsmodels.robust.norms.HuberT(t=1.345)"] == "huber(delta=t)"
        assert calls["scipy.optimize.least_squares(loss='huber', f_scale=1)"] == "2 * huber(delta=f_scale)"
    if every_loss.name == "cauchy":
        assert calls["statsmodels.robust.norms.StudentT(c=2.3849, df=4)"] == "cauchy(c=c * sqrt(df))"


def test_it_prints_itself(every_loss: Loss) -> None:
    told = explained(every_loss)
    text = str(told)
    assert repr(told) == text
    assert text.startswith(every_loss.name)
    assert every_loss.documentation.partition("\n")[0] in text
    assert f"def {every_loss.written.name}(" in text
    assert f"normwise.{every_loss.function}(" in text
    assert len(text) < 9000


def test_latex_is_there_where_it_is_short() -> None:
    assert explain("mse").latex == r"r \, r"
    assert explain("tweedie_deviance").latex == ""
    named = explain("arctan").latex
    assert named.startswith(r"\begin{aligned} u_{1} &= ")
    assert named.count(r"\begin{") == named.count(r"\end{")
    assert named.count("{") == named.count("}")
    assert len(named) < 1000


def test_latex_spells_a_name_of_several_words_as_one() -> None:
    assert explain("r / my_scale:my_scale=2").latex == r"\frac{r}{\mathrm{my\_scale}}"


def test_the_lines_that_use_it_run(every_loss: Loss) -> None:
    told = explained(every_loss)
    x, t = strict.asarray([0.5, 1.5]), strict.asarray([1.0, 1.0])
    names = {"normwise": normwise, "prediction": x, "target": t, **dict.fromkeys(every_loss.further_arrays, t)}
    with np.errstate(all="ignore"):
        expected = normwise.functional.function_of(every_loss)(x, t, *[t] * len(every_loss.further_arrays))
        found = eval(told.usage[0], names)
    assert float(found) == pytest.approx(float(expected))
    assert getattr(normwise.nn, re.findall(r"normwise\.nn\.(\w+)", told.usage[1])[0]).loss is every_loss
    text = told.usage[2].rpartition(" ")[2]
    assert text.count("=COLUMN") == len(every_loss.further_arrays)
    if not every_loss.further_arrays:
        parsed, parameters = parse_loss(text)
        assert parsed is every_loss
        assert parameters == told.parameters


def test_the_curve_shows_what_there_is_to_see() -> None:
    for text, reach in (("l1", 3.0), ("mse", 3.0), ("huber:delta=5", 10.0), ("tukey:c=100", 150.0), ("hampel", 16.0)):
        assert explain(text).curve[-1].at == pytest.approx(reach)
    for c in (1e-3, 1.0, 1e3):
        told = explain("cauchy", c=c)
        assert c < told.curve[-1].at < 10 * c
        assert c / 10 < told.points[1].at < c
        assert c < told.points[-1].at <= 100 * c


def test_a_formula_in_text_is_explained_too() -> None:
    told = explain("log(cosh(r / s))", s=2.0)
    assert told.parameters == explain("log(cosh(r / s)):s=2").parameters == {"s": 2.0}
    assert told.traits["convex"].holds
    x = strict.asarray([2.0])
    expected = math.log(math.cosh(1.0))
    assert float(eval(told.usage[0], {"normwise": normwise, "prediction": x, "target": 0 * x})) == pytest.approx(
        expected
    )


def test_what_is_converted_is_explained_but_has_no_name_of_its_own() -> None:
    told = explain(convert("scipy.optimize.least_squares", loss="huber", f_scale=2.0))
    assert "a slope of 4 at most" in told.traits["bounded"].text
    assert told.usage == told.aliases == ()
    assert "Elsewhere" not in str(told)


def test_a_loss_and_its_function_are_explained_too() -> None:
    for huber in ("huber:delta=2", normwise.losses["huber"], normwise.huber_loss, "huber_loss"):
        assert explain(huber, delta=2.0).parameters == {"delta": 2.0}
    assert explain("huber:delta=3").parameters == {"delta": 3.0}


@pytest.mark.parametrize(
    ("text", "given", "words"),
    [
        ("hubr", {}, "there is no loss 'hubr': did you mean huber"),
        ("huber", {"dleta": 1.0}, "huber has no parameter 'dleta': did you mean delta"),
        ("huber", {"delta": -1.0}, r"Given delta=-1; expected a number in \(0, inf\]"),
        ("huber:delta=x", {}, "'x'"),
        (3, {}, "the int 3 is no loss"),
        ("log(cosh(r/s))", {}, "'?s'?"),
    ],
)
def test_bad_input(text: Any, given: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        explain(text, **given)
