"""The page of all losses, `docs/losses.md`, from the catalogue: ``python -m normwise.explanation.page FILE``."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Sequence

from normwise import catalogue
from normwise.catalogue import Interval, Loss
from normwise.catalogue.peers import LIBRARIES, peers_of
from normwise.explanation.explain import Explanation, explain, finished, plain
from normwise.output import check_output, write_output

HEAD = """\
# The losses

This page is written by `make docs` from the formulas in `src/normwise/catalogue`: edit those. r is the prediction x
less the target t. `normwise explain NAME` shows more of each, and plots it; `normwise.convert` makes ours of another
library's. Shapes are looked at on a grid of residuals, at the defaults: a yes is found there, not proven.
"""

YES, NO = "yes", "no"


def losses_page() -> str:
    """Return the text of the page: an overview, then each page of the catalogue with its losses.

    The pages whose losses most libraries have come first.
    """
    pages = [(title, [explain(loss) for loss in losses]) for title, losses in pages_of_catalogue()]
    pages.sort(key=lambda page: -max(len(told.aliases) for told in page[1]))
    blocks = [HEAD, *_overview(told for _, losses in pages for told in losses)]
    for title, losses in pages:
        blocks += [f"## {title}\n", *(block for told in losses for block in _section(told))]
    return "\n".join(blocks)


def pages_of_catalogue() -> Iterator[tuple[str, list[Loss]]]:
    """Each module of the catalogue that declares losses: the first line of its docstring, and they in their order."""
    for page in pkgutil.iter_modules(catalogue.__path__):
        module = importlib.import_module(f"{catalogue.__name__}.{page.name}")
        declared = set(re.findall(r"^def (\w+?)(?:_loss)?\(", inspect.getsource(module), re.MULTILINE))
        # A page may also use what another declares.
        found = [each for each in vars(module).values() if isinstance(each, Loss) and each.name in declared]
        if found:
            yield (inspect.getdoc(module) or page.name).partition("\n")[0].rstrip(".:"), found


def _overview(losses: Iterable[Explanation]) -> Iterator[str]:
    header = ("loss", "parameters", "estimates", "convex", "bounded influence", "redescending", "who has it")
    rows = [
        (
            f"[`{told.loss.name}`](#{told.loss.name})",
            ", ".join(
                [*told.loss.further_arrays, *(f"{name}={plain(value)}" for name, value in told.parameters.items())]
            ),
            told.loss.minimiser,
            *(YES if told.traits[trait].holds else NO for trait in ("convex", "bounded", "redescending")),
            ", ".join(dict.fromkeys(LIBRARIES[peer.library] for peer in peers_of(told.loss.name))),
        )
        for told in losses
    ]
    yield _table(header, rows)


def _section(told: Explanation) -> Iterator[str]:
    loss = told.loss
    yield f"### {loss.name}\n"
    yield _escaped(loss.documentation) + "\n"
    if told.latex:
        yield f"$${told.latex}$$\n"
    facts = [
        *(f"`{name}`: an array in {loss.domain.get(name, Interval())}" for name in loss.further_arrays),
        *(f"`{name}`: {_domain(loss, name)}, {plain(default)} by default" for name, default in loss.parameters.items()),
        *([f"estimates: {loss.minimiser}"] if loss.minimiser else []),
        *([f"noise: {loss.noise}"] if loss.noise else []),
        *([f"result: `{finished(loss)}`"] if loss.finish else []),
        *([f"defined {told.defined}"] if told.defined else []),
        *(f"{name}: {YES if trait.holds else NO}, {trait.text}" for name, trait in told.traits.items()),
    ]
    yield "\n".join(f"- {fact}" for fact in facts) + "\n"
    if told.aliases:
        rows = [(f"`{each.call}`", f"`{each.ours}`", _escaped(each.note)) for each in told.aliases]
        yield _table(("elsewhere", "is", "but"), rows)


def _domain(loss: Loss, name: str) -> str:
    return "true or false" if name in loss.flags else f"in {loss.domain.get(name, Interval())}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["-"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _escaped(text: str) -> str:
    """Plain text as Markdown: a star, a bar and an underscore mean themselves."""
    return re.sub(r"([*|_<])", r"\\\1", text.replace("``", "`"))


def main(arguments: Sequence[str]) -> None:
    """Write the page to a file."""
    [file] = arguments
    check_output(file)
    write_output(file, losses_page())


if __name__ == "__main__":
    main(sys.argv[1:])
