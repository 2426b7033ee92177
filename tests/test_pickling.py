"""One's own losses reach another process: real interpreters load what this one has pickled."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score

import normwise
from normwise import nn
from normwise.formula import log1p, where
from normwise.integrations import TorchMetric, scipy_loss, sklearn_scorer, xgboost_objective

X, T = np.array([1.0, 2.0, 4.0]), np.array([1.5, 0.0, 1.0])

TEXT = normwise.loss("sqrt(r**2 + eps**2) - eps", eps=4.0)
WITH_ARRAY = normwise.loss("r**2 / s + k*t*t", arrays=["s"], k=0.5)


@normwise.loss
def standing_lorentz(r, c=1.0, halved=True):
    return where(halved != 0, 0.5, 1.0) * log1p((r / c) ** 2)


del normwise.losses["standing_lorentz"]  # the tests of the catalogue are not for it


def closure(power: float) -> Any:
    @normwise.loss(domain={"c": normwise.catalogue.Interval(0, 9)}, accepts=("integer",), divisor="count")
    def enclosed(x, t, c=2.0):
        """The power of a difference."""
        return abs((x - t) / c) ** power

    return enclosed


def of_means() -> Any:
    def spread(x, t):
        return (x - t) ** 2

    def root(m0, m1):
        return (m1 - m0 * m0) ** 0.5

    @normwise.loss(finish=root, beside=(spread,))
    def deviation(x, t):
        return x - t

    return deviation


def notebook() -> Any:
    """A loss as a cell of a notebook defines it: in `__main__`, where no other process finds it."""
    cell = "import normwise\n@normwise.loss\ndef in_a_cell(r, c=3.0):\n    return r * r / c\n"
    namespace = {"__name__": "__main__"}
    exec(cell, namespace)
    return namespace["in_a_cell"]


def deep() -> Any:
    @normwise.loss
    def deepest(r):
        total = r
        for k in range(300):
            total = total + r * (1 / (k + 1))
        return total * total

    return deepest


LOSSES: dict[str, Callable[[], Any]] = {
    "of the catalogue": lambda: normwise.huber_loss,
    "a text": lambda: TEXT,
    "a function of a module": lambda: standing_lorentz,
    "a closure": lambda: closure(1.5),
    "of means": of_means,
    "in a notebook": notebook,
    "deep": deep,
}


@pytest.fixture(params=LOSSES)
def own(request: pytest.FixtureRequest, catalogue: None) -> Any:
    return LOSSES[request.param]()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
def test_in_one_process_a_copy_is_itself(own: Any, copied: Callable[[Any], Any]) -> None:
    assert copied(own) is own
    assert copied(own.loss) is own.loss
    assert copied(own.loss.parts[-1]) is own.loss.parts[-1]
    assert copied(own.loss.slope.slope) is own.loss.slope.slope
    varied = own.loss.reading(tuple(own.loss.parameters))
    assert copied(varied) is varied
    assert copied(normwise.value_and_grad(own)) is normwise.value_and_grad(own)


def test_a_stale_definition_is_pickled_as_it_was(catalogue: None) -> None:
    first, second = closure(1.5), closure(2.0)
    assert pickle.loads(pickle.dumps(first)) is first
    assert pickle.loads(pickle.dumps(second)) is second
    assert normwise.losses["enclosed"] is second.loss


def pickled() -> dict[str, tuple[Any, Any]]:
    """What is loaded in another process, each with what it gives for X and T."""
    enclosed, cell, means = closure(1.5), notebook(), of_means()
    t = tuple(map(torch.from_numpy, (X, T)))
    module = nn.module_of(standing_lorentz.loss)(c=2.0)
    learned = nn.module_of(enclosed.loss)(c=torch.nn.Parameter(torch.tensor([3.0], dtype=torch.float64)))
    accumulator = normwise.Accumulator(TEXT, eps=2.0)
    accumulator.update(X, T)
    roots = normwise.Accumulator(means)
    roots.update(X, T)
    metric = TorchMetric(cell, c=1.5)
    metric.update(*t)
    objective, rho = xgboost_objective(enclosed, c=3.0), scipy_loss(TEXT, eps=2.0)
    functions = {name: maker() for name, maker in LOSSES.items() if name != "deep"}
    functions |= {"value_and_grad": normwise.value_and_grad(TEXT), "of huber": normwise.value_and_grad("huber")}
    for of in ("huber", TEXT, enclosed, cell):
        functions |= {f"{name} of {of}": getattr(normwise, name)(of) for name in ("gradient", "hessian")}
    found = {
        name: (function, [np.asarray(part).tolist() for part in _parts(function(X, T))])
        for name, function in functions.items()
    }
    with_s = WITH_ARRAY(X, T, T + 1)
    return {
        **found,
        "with an array": ((WITH_ARRAY, (X, T, T + 1)), float(with_s)),
        "module": (module, module(*t).item()),
        "module class": (type(learned), type(learned)(c=3.0)(*t).item()),
        "module that learns": (learned, learned(*t).item()),
        "accumulator": (accumulator, accumulator.compute()),
        "accumulator of means": (roots, roots.compute()),
        "torch metric": (metric, metric.compute().item()),
        "objective": (objective, [part.tolist() for part in objective(T, X)]),
        "scipy loss": (rho, rho(X).tolist()),
        "scorer": (sklearn_scorer(cell, c=2.0)._score_func, float(cell(X, T, c=2.0))),
        "loss": (enclosed.loss, str(enclosed.loss.written)),
    }


def _parts(value: Any) -> Any:
    return value if isinstance(value, tuple) else (value,)


LOADER = """
import pickle, sys
import numpy as np
X, T = np.array([1.0, 2.0, 4.0]), np.array([1.5, 0.0, 1.0])
with open(sys.argv[1], "rb") as file:
    things = {name: (pickle.loads(data), expected) for name, (data, expected) in pickle.load(file).items()}
import torch
t = tuple(map(torch.from_numpy, (X, T)))
def parts(value):
    return value if isinstance(value, tuple) else (value,)
uses = {
    "with an array": lambda pair: float(pair[0](*pair[1])),
    "module": lambda module: module(*t).item(),
    "module class": lambda kind: kind(c=3.0)(*t).item(),
    "module that learns": lambda module: module(*t).item(),
    "accumulator": lambda errors: errors.compute(),
    "accumulator of means": lambda errors: errors.compute(),
    "torch metric": lambda metric: metric.compute().item(),
    "objective": lambda objective: [part.tolist() for part in objective(T, X)],
    "scipy loss": lambda rho: rho(X).tolist(),
    "scorer": lambda score: score(T, X),
    "loss": lambda loss: str(loss.written),
}
for name, (thing, expected) in things.items():
    use = uses.get(name, lambda function: [np.asarray(part).tolist() for part in parts(function(X, T))])
    found = use(thing)
    if found != expected:
        sys.exit(f"{name}: {found!r} for {expected!r}")
    again = pickle.loads(pickle.dumps(thing))
    if use(again) != expected:
        sys.exit(f"{name} does not reach a third process")
print(len(things))
"""


@pytest.mark.parametrize(("protocol", "finds_this_file"), [(2, False), (pickle.HIGHEST_PROTOCOL, True)])
def test_a_fresh_interpreter_loads_them(protocol: int, finds_this_file: bool, tmp_path: Path, catalogue: None) -> None:
    file = tmp_path / "losses.pickle"
    things = {name: (pickle.dumps(thing, protocol), expected) for name, (thing, expected) in pickled().items()}
    file.write_bytes(pickle.dumps(things))
    done = subprocess.run(
        [sys.executable, "-c", LOADER, str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=Path(__file__).parents[1] if finds_this_file else tmp_path,
    )
    assert (done.stderr, done.stdout) == ("", f"{len(things)}\n")


def test_torch_saves_a_model_with_a_loss_of_ones_own(tmp_path: Path, catalogue: None) -> None:
    model = torch.nn.Sequential(torch.nn.Identity(), nn.module_of(closure(1.5).loss)(c=4.0))
    torch.save(model, tmp_path / "model.pt")
    code = (
        "import torch, sys; model = torch.load(sys.argv[1], weights_only=False); "
        "print(model[1](torch.tensor([8.0]), torch.tensor([0.0])).item(), model[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.pt")],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    value, _, module = done.stdout.partition(" ")
    assert (float(value), module, done.stderr) == (pytest.approx(2**1.5, rel=1e-7), "EnclosedLoss(c=4.0)\n", "")


def test_a_class_derived_from_a_module_is_pickled_where_it_stands() -> None:
    assert pickle.loads(pickle.dumps(Derived)) is Derived
    assert pickle.loads(pickle.dumps(Derived(c=3.0))).c == 3.0


class Derived(nn.module_of(standing_lorentz.loss)):  # type: ignore[misc]
    """A class of a user's, of one that was generated."""


def test_a_function_stands_where_it_was_defined() -> None:
    # It is loaded from there, so that a mended formula takes effect, as with any function.
    maker, (home, _) = standing_lorentz.loss.__reduce__()
    assert home == (__name__, "standing_lorentz")
    other = maker(("os", "path"), standing_lorentz.loss.__reduce__()[1][1])
    assert other.formula == standing_lorentz.loss.formula


def test_scores_in_two_processes(catalogue: None) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 2))
    y = x @ [1.0, -2.0] + rng.standard_t(3, size=60)
    for own in (TEXT, notebook()):
        scorer = sklearn_scorer(own)
        serial = cross_val_score(LinearRegression(), x, y, scoring=scorer, cv=3)
        np.testing.assert_array_equal(cross_val_score(LinearRegression(), x, y, scoring=scorer, cv=3, n_jobs=2), serial)
        expected = []
        for i in range(3):
            out = np.zeros(60, bool)
            out[20 * i : 20 * i + 20] = True
            fit = LinearRegression().fit(x[~out], y[~out])
            expected.append(-np.mean(own(fit.predict(x[out]), y[out], reduction="none")))
        np.testing.assert_allclose(serial, expected, rtol=1e-12)


def test_functions_are_called_in_two_processes(catalogue: None) -> None:
    jobs = [TEXT, closure(1.5), notebook(), normwise.value_and_grad(TEXT), normwise.hessian(TEXT)]
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(job)(X, T) for job in jobs)
    for result, job in zip(found, jobs, strict=True):
        for part, expected in zip(_parts(result), _parts(job(X, T)), strict=True):
            np.testing.assert_array_equal(part, expected)


SCRIPT = """
import multiprocessing, pickle, sys
import numpy as np
import normwise

@normwise.loss
def mine(r, c=1.0):
    return abs(r) / c

X, T = np.array([1.0, 2.0]), np.array([0.0, 0.0])

if __name__ == "__main__":
    text = normwise.loss("a*r*r", a=2.0)
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
        for function in (mine, text, normwise.gradient(mine), (lambda k: normwise.loss("k*r", k=k))(3.0)):
            print(pool.apply(function, (X, T)).tolist())
        print(float(pool.apply(pickle.loads, (pickle.dumps(mine),))(X, T)))
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_script_has_its_losses_in_its_workers(method: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), method], capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.stdout.split("\n"), done.stderr) == (["1.5", "5.0", "[1.0, 1.0]", "4.5", "1.5", ""], "")
