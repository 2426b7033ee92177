"""The README's table of speed, from the results of the last run: ``python -m benchmarks.table``."""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.results import RESULTS, dates
from benchmarks.targets import HUGE, LARGE, ONCE_EAGER, find, ratio
from normwise.output import write_output

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- speed:begin -->", "<!-- speed:end -->"


def rendered(results: dict[str, Any]) -> str:
    """Return the table in Markdown, with a line on where it was measured."""
    columns = (
        ("forward and backward", 15),
        ("forward and backward", 2**16),
        ("forward and backward", 2**20),
        ("forward and backward", LARGE),
        ("loss only", LARGE),
    )
    head = [
        "against eager torch, float32",
        "15",
        "2^16",
        "2^20",
        "2^24",
        "2^24, loss only",
        "against torch.compile, 2^24",
    ]
    lines = [f"| {' | '.join(head)} |", f"|{'-|' * len(head)}"]
    for loss in dict.fromkeys(row["loss"] for row in results["rows"] if row["kind"] == "forward and backward"):
        about = [find(results["rows"], loss=loss, kind=k, size=n, dtype="float32") for k, n in columns]
        cells = [_cell(ratio(row, "eager")) for row in about]
        large = find(results["rows"], loss=loss, kind="forward and backward", size=LARGE, dtype="float32")
        lines.append(f"| {loss} | {' | '.join([*cells, _cell(ratio(large, 'compile'))])} |")
    lines += ["", *_wide(results)]
    machine, versions, cold = results["machine"], results["versions"], results["cold start"]
    lines += [
        "",
        f"How many times faster, medians of interleaved runs: {machine['processor']}, {machine['cores']} cores, "
        f"torch {versions['torch']}, {dates(results, results['rows'])}. Importing normwise takes "
        f"{1e3 * cold['import normwise']['median']:.0f} ms; the first call in a new process "
        f"{1e3 * cold['first call, torch loaded, kernels on disk']['median']:.0f} ms. "
        "For a loss that torch does not have, eager torch is the same formula in torch's operations, one by one.",
        *_catalogue(results),
        *_norms(results),
        *_pairs(results),
    ]
    return "\n".join(lines)


WIDE: tuple[tuple[str, str, dict[str, Any], tuple[str, ...]], ...] = (
    ("float16, 2^24", "forward and backward", {"dtype": "float16", "size": LARGE}, ("eager", "compile")),
    ("bfloat16, 2^24", "forward and backward", {"dtype": "bfloat16", "size": LARGE}, ("eager", "compile")),
    ("a mask of half, 4096 x 4096", "mask", {}, ("eager", "compile")),
    ("a weight per row, 4096 x 4096", "row weights", {"shape": [4096, 4096]}, ("eager", "compile")),
    ("a weight per row, 2^20 x 16", "row weights", {"shape": [2**20, 16]}, ("eager", "compile")),
    ("3 x 5", "small", {"shape": [3, 5]}, ("eager",)),
    ("3 x 5, as a module", "module", {"shape": [3, 5]}, ("eager",)),
    ("4096", "small", {"shape": [4096]}, ("eager",)),
    ("a compiled training step, batch 256", "compiled training step", {"size": 256}, ("compile",)),
)
"""What the second table tells: in words, the kind of row, what picks it, and the rivals."""


def _wide(results: dict[str, Any]) -> list[str]:
    """The lines of the second table: everything else that torch's four losses are measured at."""
    losses = [name for name in ONCE_EAGER if find(results["rows"], loss=name, kind="small")]
    if not losses:
        return []
    lines = [f"| forward and backward | {' | '.join(losses)} |", f"|{'-|' * (len(losses) + 1)}"]
    for words, kind, about, rivals in WIDE:
        rows = [find(results["rows"], loss=name, kind=kind, **about) for name in losses]
        cells = [" / ".join(filter(None, (_cell(ratio(row, rival)) for rival in rivals))) for row in rows]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    for what, homes in (("forward and backward", ("normwise", "eager", "compile")),):
        held = [results["memory"][name][what] for name in losses if name in results.get("memory", {})]
        cells = [" / ".join(f"{buffers[home]:.1f}" for home in homes) for buffers in held]
        lines.append(f"| arrays held beyond the inputs: normwise / eager / torch.compile | {' | '.join(cells)} |")
    return [*lines, "", "Against eager torch / torch.compile, which multiply with the mask or the weight."]


def _catalogue(results: dict[str, Any]) -> list[str]:
    """The lines of the table of the other losses, and of formulas given as text."""
    rows = [row for row in results["rows"] if row["kind"] in ("catalogue", "in words")]
    if not rows:
        return []
    cells = [(f"`{row['loss']}`", _cell(ratio(row, "eager"))) for row in rows]
    cells += [("", "")] * (-len(cells) % 3)
    lines = ["", f"| {'loss | against eager | ' * 3}".rstrip(), "|-|-|-|-|-|-|"]
    lines += [f"| {' | '.join(f'{a} | {b}' for a, b in cells[i : i + 3])} |" for i in range(0, len(cells), 3)]
    return [*lines, "", f"Forward and backward, float32, 2^24 elements (of a text 2^22); {dates(results, rows)}."]


def _norms(results: dict[str, Any]) -> list[str]:
    """The lines of the third table: norms, and distances of rows."""
    rows = [row for row in results.get("distances", []) if row["kind"] in ("norm", "distance")]
    if not rows:
        return []
    metrics = [*dict.fromkeys(row["metric"] for row in rows)]
    lines = ["", f"| against torch, float32 | {' | '.join(metrics)} |", f"|{'-|' * (len(metrics) + 1)}"]
    for kind, shape in dict.fromkeys((row["kind"], (*row["shape"],)) for row in rows):
        about = [{"kind": kind, "metric": metric, "shape": [*shape]} for metric in metrics]
        lines.append(f"| {kind}, {_words(shape)} | {' | '.join(_both(rows, 'torch', each) for each in about)} |")
    largest = [find(rows, kind="norm", metric=metric, shape=[HUGE]) for metric in metrics]
    if any(largest):
        errors = [[row["figures"][f"{who} error"] for who in ("normwise", "torch")] if row else [] for row in largest]
        cells = [" / ".join(f"{error:.0e}" for error in pair) for pair in errors]
        lines.append(f"| norm, {_words((HUGE,))}: relative error, normwise / torch | {' | '.join(cells)} |")
    return [*lines, "", f"Alone / with the gradient, which distances have for both sides; {dates(results, rows)}."]


PAIRS = (
    ("l1 against torch.cdist", "l1", "torch exact"),
    ("l1 against SciPy", "l1", "SciPy"),
    ("l1 against scikit-learn", "l1", "scikit-learn"),
    ("l2 against torch.cdist, exact", "l2", "torch exact"),
    ("l2 against torch.cdist by a matrix product, inexact", "l2", "torch mm"),
    ("l2 against SciPy", "l2", "SciPy"),
    ("l2 against scikit-learn", "l2", "scikit-learn"),
    ("l2 against NumKong", "l2", "NumKong"),
    ("lp, p = 3, against torch.cdist", "lp", "torch exact"),
    ("lp, p = 3, against SciPy", "lp", "SciPy"),
)
"""What the fourth table tells: in words, the metric, and the rival."""


def _pairs(results: dict[str, Any]) -> list[str]:
    """The lines of the fourth table: distances of all pairs, and the search for the nearest."""
    rows = [row for row in results.get("distances", []) if row["kind"] in ("pairwise", "nearest")]
    if not rows:
        return []
    columns = [*dict.fromkeys((row["kind"], (*row["shape"],)) for row in rows)]
    head = ["points x points x features", *(f"{kind}, {_words(shape)}" for kind, shape in columns)]
    lines = ["", f"| {' | '.join(head)} |", f"|{'-|' * len(head)}"]
    for words, metric, rival in PAIRS:
        about = [{"kind": kind, "metric": metric, "shape": [*shape]} for kind, shape in columns]
        cells = [_both(rows, rival, each) for each in about]
        if any(cells):
            lines.append(f"| {words} | {' | '.join(cells)} |")
    held = [row["figures"]["megabytes"] for row in rows if row["kind"] == "nearest"]
    searched = f" The 10 nearest, of NumPy arrays, take {max(held):.0f} MB beyond the inputs." if held else ""
    versions = results["versions"]
    others = [f"{name} {versions[key]}" for key, name in OTHERS.items() if key in versions]
    words = (
        "Forward / forward and backward, where the rival has gradients, for both sides; SciPy and NumKong run on one"
    )
    return [*lines, "", f"{words} thread.{searched} {', '.join([*others, dates(results, rows)])}."]


OTHERS = {"scipy": "SciPy", "scikit-learn": "scikit-learn", "numkong": "NumKong"}
"""The rivals beside torch, by their distributions."""


def _both(rows: Iterable[dict[str, Any]], rival: str, about: dict[str, Any]) -> str:
    """The ratios without and with the gradient."""
    ratios = (ratio(find(rows, gradient=gradient, **about), rival) for gradient in (False, True))
    return " / ".join(filter(None, map(_cell, ratios)))


def _words(shape: tuple[int, ...]) -> str:
    """A shape, its round numbers as powers."""
    return " x ".join(POWERS.get(n, str(n)) for n in shape)


POWERS = {base**k: f"{base}^{k}" for base, least in ((2, 16), (10, 4)) for k in range(least, 25)}


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}x" if value < 2 else f"{value:.1f}x"


def main() -> None:
    """Write the table between the markers in the README."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        sys.exit(f"README.md has no {BEGIN} and {END} to write the table between")
    if not RESULTS.exists():
        sys.exit("there are no results yet: run `make bench` first")
    table = rendered(json.loads(RESULTS.read_text(encoding="utf-8")))
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.S)
    write_output(readme, pattern.sub(lambda _: f"{BEGIN}\n{table}\n{END}", text))
    print(table)


if __name__ == "__main__":
    main()
