"""The command line: ``normwise evaluate FILE... --target T --prediction P``, ``normwise explain`` and ``list``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NoReturn

from normwise.catalogue import losses as catalogue
from normwise.errors import FormulaError, InputError
from normwise.evaluation import Evaluation, evaluate
from normwise.explanation import explain

try:
    import typer

    from normwise.terminal import ProgressBar, print_evaluation, print_explanation, print_losses
except ModuleNotFoundError as missing:
    sys.exit(f"normwise: the command line needs {missing.name}: pip install 'normwise[cli]'")

BAD_INPUT = 2
INTERRUPTED = 130

WORDS: Mapping[str, float] = {"true": 1.0, "false": 0.0}
"""The values of a flag."""

app = typer.Typer(
    help="Norms, distances and regression losses: one formula, every engine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _commands() -> None:
    """With a callback, one command alone would still be called by its name."""


@app.command("evaluate", no_args_is_help=True)
def evaluate_files(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="CSV, Parquet or JSON-lines files; patterns too.")
    ],
    target: Annotated[str, typer.Option("--target", "-t", help="Column of true values.")],
    prediction: Annotated[
        list[str], typer.Option("--prediction", "-p", help="Column of predictions; may be repeated.")
    ],
    by: Annotated[list[str] | None, typer.Option("--by", "-b", help="Column to group by; may be repeated.")] = None,
    weight: Annotated[str | None, typer.Option("--weight", "-w", help="Column of weights.")] = None,
    loss: Annotated[
        list[str] | None,
        typer.Option("--loss", "-l", metavar="NAME[:PARAM=VALUE,...]", help="By default l1 and mse; may be repeated."),
    ] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write all results, in full precision; - is stdout.")
    ] = None,
) -> None:
    """Mean losses of predictions in files: with standard errors, side by side, by group.

    Rows that miss the target, a prediction or the weight are counted and reported. `normwise list` tells the losses.
    """
    if json_file not in (None, "-"):
        _check_place(Path(json_file))
    with ProgressBar() as bar:
        evaluation = evaluate(
            files,
            target=target,
            prediction=prediction,
            by=by,
            weight=weight,
            losses=loss or ("l1", "mse"),
            progress=bar.update if bar.wanted else None,
        )
    if json_file != "-":
        print_evaluation(evaluation)
    if json_file is not None:
        _write(json_file, evaluation)


@app.command("list")
def list_losses() -> None:
    """The losses there are: their parameters' defaults, what they estimate, which libraries have them."""
    print_losses(catalogue.values())


@app.command(
    "explain",
    no_args_is_help=True,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    options_metavar="[--PARAM VALUE]...",
)
def explain_loss(
    context: typer.Context,
    loss: Annotated[
        str,
        typer.Argument(metavar="LOSS", help="A name, NAME:PARAM=VALUE,... or a formula such as 'log(cosh(r/s)):s=2'."),
    ],
) -> None:
    """What a loss is like: its formula and derivatives, its shape, a plot, its names in other libraries.

    Its parameters are options: normwise explain huber --delta 2. All of it is derived from the formula.
    """
    print_explanation(explain(loss, **_parameters(context.args)))


def _parameters(arguments: list[str]) -> dict[str, float]:
    """Options such as ``--delta 2``, ``--log-input true``, ``--q=0.9``."""
    given: dict[str, float] = {}
    rest = [*reversed(arguments)]
    while rest:
        option, equals, value = rest.pop().partition("=")
        if not option.startswith("--"):
            raise InputError(f"{option!r} is no parameter: give each as --name value")
        if not equals:
            if not rest:
                raise InputError(f"{option} needs a value: {option} 1")
            value = rest.pop()
        try:
            number = float(WORDS.get(value.lower(), value))
        except ValueError:
            raise InputError(f"{option} is given {value!r}, which is not a number") from None
        given[option.removeprefix("--").replace("-", "_")] = number
    return given


def _check_place(path: Path) -> None:
    """Before the work, which may be long."""
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {path.parent}")


def _write(path: str, evaluation: Evaluation) -> None:
    text = json.dumps(evaluation.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if path == "-":
        sys.stdout.write(text)
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; what the user can mend is one line on stderr and exit code 2."""
    try:
        code = app(arguments, standalone_mode=False)
        sys.stdout.flush()
    except FormulaError as error:
        _fail(*str(error).split("\n    "))  # the formula, and a pointer to the place
    except InputError as error:
        _fail(str(error))
    except typer.TyperException as error:
        _fail(error.format_message())
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, *shown: str) -> NoReturn:
    # Not through Rich, which would break the line to the terminal's width.
    print(f"normwise: {' '.join(message.split())}", *(f"    {line}" for line in shown), sep="\n", file=sys.stderr)
    sys.exit(BAD_INPUT)


if __name__ == "__main__":
    main()
