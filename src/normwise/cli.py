"""The command line: ``normwise evaluate FILE... --target T --prediction P``, ``explain``, ``list`` and ``cache``."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TextIO

from normwise import __version__
from normwise.catalogue import losses as catalogue
from normwise.errors import FormulaError, InputError
from normwise.evaluation import evaluate
from normwise.evaluation.places import expand
from normwise.explanation.explain import explain
from normwise.output import STDOUT, check_output, write_output
from normwise.visible import json_escape, visible, visible_lines

if TYPE_CHECKING:
    from normwise.engines.cpu.files import Stored

try:
    import typer

    from normwise.terminal import (
        ProgressBar,
        print_evaluation,
        print_explanation,
        print_losses,
        print_pairs,
        write_all_letters,
    )
except ModuleNotFoundError as missing:
    sys.exit(f"normwise: the command line needs {missing.name}: pip install 'normwise[cli]'")

BAD_INPUT = 2
INTERRUPTED = 130

FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO, errno.EBADF)
"""What a write meets where nothing more can be written."""

WORDS: Mapping[str, float] = {"true": 1.0, "false": 0.0}
"""The values of a flag."""

app = typer.Typer(
    help="Norms, distances and regression losses: one formula, every engine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"normwise {__version__}")
        raise typer.Exit


@app.callback()
def _commands(
    version: Annotated[  # pyright: ignore[reportUnusedParameter]
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """With a callback, one command alone would still be called by its name."""


@app.command("evaluate", no_args_is_help=True)
def evaluate_files(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="CSV, Parquet or JSON-lines files; patterns too; - is stdin.")
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
    outputs = [STDOUT] if json_file is None else [STDOUT, json_file]
    for output in outputs:
        check_output(output, expand(files))
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
    if json_file != STDOUT:
        print_evaluation(evaluation)
    if json_file is not None:
        text = json.dumps(evaluation.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        write_output(json_file, visible_lines(text, json_escape) + "\n")


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


@app.command("cache")
def show_cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove the compiled kernels, and nothing else.")] = False,
) -> None:
    """The compiled kernels on disk: their folder, how many there are, how much room they take and may take.

    NORMWISE_CACHE_DIR names another folder. What is removed is compiled again at its next use.
    """
    from normwise.engines.cpu import files  # which loads LLVM

    if not clear:
        print_pairs(_cache_facts(files.store_folder(), files.stored(), files.BOUND, files.condition()))
        return
    removed, left = files.clear()
    print(f"removed {removed.kernels} kernels, {_mebibytes(removed.size)}")
    if left.kernels:
        raise InputError(f"{left.kernels} kernels in {files.store_folder()} cannot be removed: {files.condition()}")


def _cache_facts(folder: Path | None, stored: Stored, bound: int, condition: str) -> list[tuple[str, str]]:
    return [
        ("folder", "none" if folder is None else str(folder)),
        ("kernels", str(stored.kernels)),
        ("size", f"{_mebibytes(stored.size)} of at most {_mebibytes(bound)}"),
        ("state", condition),
    ]


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"


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


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; what the user can mend is one line on stderr and exit code 2."""
    _check_streams()
    write_all_letters(sys.stdout)
    try:
        _check_text(sys.argv[1:] if arguments is None else arguments)
        code = app(arguments, standalone_mode=False)
        if code == INTERRUPTED:  # what Typer makes of a KeyboardInterrupt
            raise KeyboardInterrupt
        sys.stdout.flush()
    except FormulaError as error:
        _fail(*str(error).split("\n    "))  # the formula, and a pointer to the place
    except InputError as error:
        _fail(str(error))
    except typer.TyperException as error:
        if message := error.format_message():
            _fail(message)
        code = BAD_INPUT  # a command without arguments: its help has been shown
    except BrokenPipeError:
        _drop(sys.stdout)
        code = 0  # the reader, `head` say, has seen enough
    except SystemExit as ended:  # so do Typer and Rich end then, but with code 1
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        _drop(sys.stdout)
        code = 0
    except OSError as error:
        _fail(_named(error))
    except (KeyboardInterrupt, typer.Abort):
        # At once: a thread that waits for a file which never comes would be waited for.
        os._exit(INTERRUPTED)
    _leave(code if isinstance(code, int) else 0)


def _check_streams() -> None:
    """See that the three streams are open: the next file that is opened would take the number of one that is not."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison] - as Python does where it is closed
        sys.stderr = os.fdopen(2, "w", closefd=False)
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdout = os.fdopen(1, "w", closefd=False)
        _fail("stdout is closed: there is nowhere to write to")


def _check_text(arguments: list[str]) -> None:
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            encoding = sys.getfilesystemencoding()
            raise InputError(
                f"the argument {argument!r} is not text in {encoding}: rename the file or column, or set another locale"
            ) from None


def _named(error: OSError) -> str:
    """The error with what it is of: its file, or stdout, of which a write that fails knows no name."""
    name = os.fsdecode(error.filename) if error.filename else "cannot write stdout" if error.errno in FULL else ""
    return f"{name}: {error.strerror}" if name else str(error)


def _fail(message: str, *shown: str) -> NoReturn:
    # Not through Rich, which would break the line to the terminal's width.
    line = f"normwise: {visible(' '.join(message.split()))}"
    with suppress(OSError):  # nobody reads stderr: the exit code tells
        print(line, *(f"    {visible(each)}" for each in shown), sep="\n", file=sys.stderr, flush=True)
    _leave(BAD_INPUT)


def _leave(code: int) -> NoReturn:
    """Exit; what cannot be written any more is dropped, or Python would complain of it at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _drop(stream)
    sys.exit(code)


def _drop(stream: TextIO) -> None:
    """Let what is written to a stream vanish."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
