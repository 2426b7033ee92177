"""The direction of imports, and what importing the package loads."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import normwise

SOURCE = Path(normwise.__file__).parent
LAYERS = [
    "visible",
    "errors",
    "formula",
    "catalogue",
    "engines",
    "sums",
    "terms",
    "checks",
    "libraries",
    "loss_functions",
    "norms",
    "pairs",
    "faces",
]
ORDER_OF_FORMULA = [
    "caches",
    "expression",
    "compositions",
    "tangent",
    "primitives",
    "walk",
    "derivative",
    "rewriting",
    "text",
    "numbers",
    "values",
    "arrays",
    "trace",
    "parse",
]


def modules() -> dict[str, Path]:
    """Every module by its name without `normwise.`; a package's own is its folder's."""
    found: dict[str, Path] = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def layer(name: str) -> int:
    first = name.split(".", maxsplit=1)[0]
    # Sums of what an engine computes come back as those of sums.py, so the two are one storey.
    first = "engines" if first == "sums" else first
    return LAYERS.index(first) if first in LAYERS else LAYERS.index("faces")


def imported(path: Path) -> Iterator[str]:
    """The modules of normwise that a file imports, within functions too, but not for type checkers alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name == "normwise" or name.startswith("normwise."):
                inner = name.removeprefix("normwise").removeprefix(".")
                while inner not in MODULES:
                    inner = inner.rpartition(".")[0]
                yield inner


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {""}))
def test_imports_point_down(name: str) -> None:
    upward = [other for other in imported(MODULES[name]) if other and layer(other) > layer(name)]
    assert upward == []


@pytest.mark.parametrize("name", [name for name in sorted(MODULES) if name.startswith("formula.")])
def test_imports_point_down_within_the_formula(name: str) -> None:
    place = ORDER_OF_FORMULA.index(name.removeprefix("formula."))
    for other in imported(MODULES[name]):
        if other != "errors":
            assert other.startswith("formula."), f"{name} imports {other}"
            assert ORDER_OF_FORMULA.index(other.removeprefix("formula.")) < place, f"{name} imports {other}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not even within their functions: who reads one of them would have to read them all."""

    def reach(name: str) -> set[str]:
        found, waiting = set[str](), [name]
        while waiting:
            for other in set(imported(MODULES[waiting.pop()])) - found - {""}:
                found.add(other)
                waiting.append(other)
        return found

    reached = {name: reach(name) for name in MODULES}
    circles = [{b for b in reached[a] if a in reached[b]} for a in MODULES if a in reached[a]]
    assert circles == []


def test_engines_do_not_know_the_catalogue() -> None:
    for name, path in MODULES.items():
        if name.startswith("engines"):
            assert not [other for other in imported(path) if other.startswith("catalogue")], name


def test_nothing_imports_upward_from_a_face_to_another_but_what_they_share() -> None:
    """The faces of torch and of arrays do not know each other."""
    assert "loss_functions.on_arrays" not in set(imported(MODULES["loss_functions.on_torch"]))
    assert "loss_functions.on_torch" not in set(imported(MODULES["loss_functions.on_arrays"]))


def loaded_by(statement: str) -> set[str]:
    command = [sys.executable, "-X", "importtime", "-c", statement]
    environment = {"PYTHONPATH": str(SOURCE.parent)}
    trace = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stderr
    return {line.rpartition("|")[2].strip().split(".")[0] for line in trace.splitlines()}


PEERS = {"jax", "keras", "lightgbm", "sklearn", "torchmetrics", "xgboost"}
"""What `normwise.integrations` is for."""
HEAVY = PEERS | {"torch", "duckdb", "pandas", "polars", "sympy", "scipy", "numpy", "narwhals", "llvmlite"}


def test_importing_the_package_loads_no_array_library() -> None:
    assert loaded_by("import normwise") & HEAVY == set()


def test_the_catalogue_and_a_loss_of_ones_own_load_no_torch() -> None:
    assert loaded_by("import normwise; normwise.losses") & HEAVY == set()
    assert loaded_by("import normwise; normwise.mse_loss") & {"torch", "duckdb", "pandas", "sympy"} == set()
    call = "import normwise, numpy; normwise.value_and_grad('mse')(numpy.ones(2), numpy.ones(2))"
    assert loaded_by(call) & {"torch", "duckdb", "pandas", "sympy"} == set()


def test_explaining_and_converting_load_no_library_of_arrays_or_terminals() -> None:
    asked = "from normwise.explanation.convert import convert; convert('keras.losses.Huber')"
    assert (
        loaded_by(f"{asked}; from normwise.explanation.explain import explain; str(explain('huber'))")
        & (HEAVY | {"keras", "sklearn", "statsmodels", "plotext", "rich"})
        == set()
    )


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = normwise.nonsense
    assert {"loss", "losses", "value_and_grad", "nn", "functional"} <= set(dir(normwise))
