"""Names that are not there offer near ones; those whose library is not installed say which extra has it."""

import inspect
import re
import sys
import traceback
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor

import normwise
from normwise import functional, integrations, nn, scores
from normwise.errors import InputError
from tests.processes import without


@pytest.mark.parametrize(
    ("module", "name", "near"),
    [
        (normwise, "hubr_loss", "huber_loss"),
        (normwise, "L1_loss", "l1_loss"),
        (normwise, "evalute", "evaluate"),
        (normwise, "value_and_gradd", "value_and_grad"),
        (normwise, "functionl", "functional"),
        (functional, "smoth_l1_loss", "smooth_l1_loss"),
        (functional, "pairwize", "pairwise"),
        (nn, "HubrLoss", "HuberLoss"),
        (nn, "AdaptivBarronLoss", "AdaptiveBarronLoss"),
        (integrations, "sklearn_score", "sklearn_scorer"),
    ],
)
def test_an_unknown_name_offers_near_ones(module: Any, name: str, near: str) -> None:
    with pytest.raises(
        AttributeError, match=rf"^module '{module.__name__}' has no attribute '{name}': did .*\b{near}\b"
    ):
        getattr(module, name)
    assert not hasattr(module, "_private")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python offers no names when an import fails")
def test_an_import_of_an_unknown_name_offers_near_ones() -> None:
    # The words are Python's: of an import that fails it does not pass on those of the module.
    with pytest.raises(ImportError, match="cannot import name 'hubber_loss' from 'normwise'") as raised:
        exec("from normwise import hubber_loss")
    assert traceback.format_exception(raised.value)[-1].endswith("Did you mean: 'huber_loss'?\n")


def test_a_score_is_no_loss_and_the_words_say_what_to_do() -> None:
    with pytest.raises(InputError, match=r"^d2_score is a score, no loss") as raised:
        integrations.sklearn_scorer(scores.d2_score)
    [mend] = re.findall(r"sklearn\.metrics\.(make_scorer\(.*\)\))", str(raised.value))
    from sklearn.metrics import d2_absolute_error_score, make_scorer

    x, y = np.zeros((4, 1)), np.array([0.0, 1.0, 2.0, 8.0])
    model = DummyRegressor(strategy="constant", constant=1.5).fit(x, y)
    scorer = eval(
        mend.replace("(predicted, true)", "(predicted, true, loss='l1')"), {**vars(scores), "make_scorer": make_scorer}
    )
    assert scorer(model, x, y) == pytest.approx(d2_absolute_error_score(y, model.predict(x)))


@pytest.mark.parametrize("given", [normwise.norm, len, 3, None, scores.d2_score])
def test_what_is_no_loss_is_named(given: Any) -> None:
    name = getattr(given, "__name__", repr(given))
    for taker in (normwise.explain, normwise.Accumulator, normwise.value_and_grad):
        with pytest.raises(InputError, match=rf"{name} is no loss: expected a name"):
            taker(given)


def test_a_module_is_not_taken_for_its_loss_with_other_parameters() -> None:
    for taker in (normwise.explain, normwise.Accumulator, normwise.value_and_grad, integrations.sklearn_scorer):
        with pytest.raises(InputError, match=r"HuberLoss holds parameters of its own: .*as huber:param=1"):
            taker(nn.HuberLoss(delta=5.0))
    assert normwise.Accumulator(nn.HuberLoss, delta=5.0).parameters == {"delta": 5.0}


NEEDS_TORCH = r"needs torch: pip install 'normwise[torch]'"


@pytest.mark.parametrize(
    "statement",
    [
        "normwise.nn",
        "import normwise.nn",
        "from normwise import nn",
        "from normwise.nn import HuberLoss",
        "normwise.accelerate()",
        "from normwise import accelerate; accelerate()",
        "from normwise.acceleration import accelerate",
        "normwise.from_torch(None)",
        "from normwise import from_torch; from_torch(None)",
    ],
)
def test_without_torch_the_extra_is_named(statement: str) -> None:
    said = without(
        "torch",
        program=f"""
        import normwise
        try:
            {statement}
        except (ImportError, AttributeError) as error:
            print(error)
        """,
    )
    assert said.strip().endswith(NEEDS_TORCH)


def test_without_any_other_library_the_package_can_be_looked_at() -> None:
    libraries = ("torch", "duckdb", "sklearn", "torchmetrics", "keras", "scipy", "typer", "rich", "pandas")
    said = without(
        *libraries,
        program="""
        import inspect, pydoc
        import normwise, normwise.integrations, normwise.functional, normwise.scores
        print(hasattr(normwise, "nn"), hasattr(normwise, "accelerate"), hasattr(normwise, "mse_loss"))
        listed = {*dir(normwise)}
        print(sorted(listed - {name for name, _ in inspect.getmembers(normwise)}))
        print("one formula, every engine" in pydoc.plain(pydoc.render_doc(normwise)))
        for module in (normwise.integrations, normwise.functional, normwise.scores):
            assert {name for name, _ in inspect.getmembers(module)} >= {*dir(module)}, module
            pydoc.render_doc(module)
        import numpy
        print(float(normwise.mse_loss(numpy.ones(2), numpy.zeros(2))))
        """,
    )
    assert said.splitlines() == ["False True True", "['nn']", "True", "1.0"]


def test_without_torch_all_other_names_can_be_imported() -> None:
    said = without(
        "torch",
        program="""
        import normwise
        from normwise import *
        print({*dir(normwise)} - {*globals()}, {*dir(normwise)} - {*normwise.__all__})
        """,
    )
    assert said == "{'nn'} {'nn'}\n"


def test_without_the_command_lines_libraries_it_names_its_extra() -> None:
    for library in ("typer", "rich", "duckdb"):
        said = without(
            library,
            program="""
            import sys, pathlib, tempfile
            place = pathlib.Path(tempfile.mkdtemp(), "a.csv")
            place.write_text("t,p\\n1,2\\n")
            sys.argv = ["normwise", "evaluate", str(place), "-t", "t", "-p", "p"]
            sys.stderr = sys.stdout
            try:
                from normwise.__main__ import main
                main()
            except SystemExit as left:
                print(left.code)
            """,
        )
        assert "pip install 'normwise[cli]'" in said, library


def test_with_torch_everything_is_there() -> None:
    names = {*dir(normwise)}
    assert {name for name, _ in inspect.getmembers(normwise)} >= names
