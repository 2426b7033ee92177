"""What is to be reached, and whether it was: the first table of the project's aims, each line a ratio in one run."""

from collections.abc import Iterable
from typing import Any, NamedTuple

LARGE = 2**24
ONCE_EAGER = {"l1": 12.0, "mse": 6.0, "smooth_l1": 6.0, "huber": 6.0}
WHOLE = (*ONCE_EAGER, "log_cosh", "quantile")
"""The losses that are measured at every size; the others at 2^24."""
OTHERS_ONCE_EAGER = 4.0
IN_WORDS_ONCE_EAGER = 5.0
HUGE = 10**8
NEAREST = (100_000, 100_000, 16)


class Aim(NamedTuple):
    """A bound for a row of norms or distances, beside a rival or of a figure."""

    what: str
    kind: str
    metric: str
    shape: tuple[int, ...]
    to: str
    bound: float
    gradient: bool = False

    def row(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """The row that it is about."""
        about = {"kind": self.kind, "metric": self.metric, "shape": [*self.shape], "gradient": self.gradient}
        return find(results.get("distances", []), **about)


FASTER = (
    Aim("1-norm of 10^8 against torch's 2-norm", "norm", "p = 1", (HUGE,), "torch L2", 1.0),
    Aim("2-norm of 10^8 against torch's", "norm", "p = 2", (HUGE,), "torch", 1.0),
    Aim("3-norm of 10^8 against torch's", "norm", "p = 3", (HUGE,), "torch", 5.0),
    *(
        Aim(f"distance, p = 2, 2^20 x 16, {words}, against torch", "distance", "p = 2", (2**20, 16), "torch", 3.0, both)
        for words, both in (("forward", False), ("forward and backward", True))
    ),
    *(
        Aim(f"pairwise {metric}, {' x '.join(map(str, shape))}, against {to}", "pairwise", metric, shape, to, bound)
        for metric, to, bound in (("l1", "torch exact", 8.0), ("l1", "SciPy", 8.0), ("l2", "torch exact", 5.0))
        for shape in ((512, 1024, 128), (1024, 1024, 8))
    ),
    Aim("nearest l1 against scikit-learn's ArgKmin", "nearest", "l1", NEAREST, "scikit-learn", 5.0),
)
"""How many times as long the rival is to take, at least."""
NOT_SLOWER = (Aim("nearest l2, share of scikit-learn's ArgKmin", "nearest", "l2", NEAREST, "scikit-learn", 1.5),)
"""How many times as long as the rival we may take, at most."""
FIGURES = (
    *(Aim(f"{p}-norm of 10^8, relative error", "norm", f"p = {p}", (HUGE,), "normwise error", 1e-7) for p in (1, 2)),
    *(Aim(f"nearest {metric}, megabytes", "nearest", metric, NEAREST, "megabytes", 300.0) for metric in ("l1", "l2")),
)
"""What a figure may be, at most."""


def verdicts(results: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Return each aim as (what, at least or at most, measured, met)."""
    rows: list[tuple[str, str, str, bool]] = []

    def at_least(what: str, bound: float, ratio: float | None) -> None:
        if ratio is not None:
            rows.append((what, f"at least {bound:g}x", f"{ratio:.2f}x", ratio >= bound))

    def at_most(what: str, bound: float, value: float | None, unit: str) -> None:
        if value is not None:
            rows.append((what, f"at most {bound:g}{unit}", f"{value:.3g}{unit}", value <= bound))

    measured = results["rows"]
    for loss, bound in ONCE_EAGER.items():
        large = find(measured, loss=loss, kind="forward and backward", size=LARGE, dtype="float32")
        at_least(f"{loss} against eager, 2^24", bound, ratio(large, "eager"))
        at_least(f"{loss} against torch.compile, 2^24", 3.5, ratio(large, "compile"))
        at_least(f"{loss} against compiled grad_and_value, 2^24", 2.0, ratio(large, "compiled grad_and_value"))
        only = find(measured, loss=loss, kind="loss only", size=LARGE, dtype="float32")
        at_least(f"{loss} alone against eager, 2^24", 8.0, ratio(only, "eager"))
        kernel = find(measured, loss=loss, kind="kernel", size=LARGE, dtype="float32")
        if kernel:
            share = 1 / (ratio(kernel, "stream", "kernel") or 1)
            at_most(f"{loss} kernel against a three-stream pass, 2^24", 1.2, share, "x")
        small = [
            (row["size"], ratio(row, "eager") or 0.0)
            for row in measured
            if row["loss"] == loss and row["size"] <= 2**16 and row["kind"] == "forward and backward"
        ]
        if small:
            size, worst = min(small, key=lambda pair: pair[1])
            at_least(f"{loss} against eager, worst n up to 2^16 (n = {size})", 1.0, worst)
        for dtype in ("float16", "bfloat16"):
            half = find(measured, loss=loss, kind="forward and backward", size=LARGE, dtype=dtype)
            at_least(f"{loss} in {dtype} against eager, 2^24", 6.0, ratio(half, "eager"))
        for kind in ("small", "module"):
            ratios = [
                (row["shape"], ratio(row, "eager")) for row in measured if (row["loss"], row["kind"]) == (loss, kind)
            ]
            if ratios:
                shape, worst = min(ratios, key=lambda pair: pair[1] or 0.0)
                words = " x ".join(map(str, shape))
                at_least(f"{loss} {kind} call against eager, worst of the small shapes ({words})", 1.0, worst)
        spinning = find(measured, loss=loss, kind="after eager")
        at_most(f"{loss} after an eager operation, 2^20", 1.5, ratio(spinning, "after eager"), "x")
        for batch in (32, 256):
            step = find(measured, loss=loss, kind="compiled training step", size=batch)
            at_least(
                f"a compiled training step with {loss} against torch's, batch {batch}", 1.0, ratio(step, "compile")
            )
        for what, buffers in (("forward and backward", 1.0), ("loss only", 0.0)):
            held = results.get("memory", {}).get(loss, {}).get(what, {}).get("normwise")
            at_most(f"{loss}, memory of {what}, in arrays", buffers + 0.05, held, "")
    for row in measured:
        if row["kind"] == "catalogue":
            at_least(f"{row['loss']} against eager, 2^24", OTHERS_ONCE_EAGER, ratio(row, "eager"))
        if row["kind"] == "in words":
            at_least(f"{row['loss']}, given as text, against eager, 2^22", IN_WORDS_ONCE_EAGER, ratio(row, "eager"))
    cold = results.get("cold start", {})
    for what, bound in (
        ("import normwise", 0.1),
        ("first call, torch loaded, kernels on disk", 0.5),
        ("first call, NumPy's import included, kernels on disk", 0.5),
    ):
        at_most(what, bound, cold.get(what, {}).get("median"), " s")
    for aim in FASTER:
        at_least(aim.what, aim.bound, ratio(aim.row(results), aim.to))
    for aim in NOT_SLOWER:
        times = ratio(aim.row(results), aim.to)
        at_most(aim.what, aim.bound, times and 1 / times, "x")
    for aim in FIGURES:
        row = aim.row(results)
        at_most(aim.what, aim.bound, row and row["figures"].get(aim.to), "")
    return rows


def find(rows: Iterable[dict[str, Any]], **about: Any) -> dict[str, Any] | None:
    """Return the row that is about this, if it was measured."""
    return next((row for row in rows if all(row[key] == value for key, value in about.items())), None)


def ratio(row: dict[str, Any] | None, rival: str, to: str = "normwise") -> float | None:
    """Return how many times longer a rival takes."""
    if row is None or rival not in row["seconds"]:
        return None
    return float(row["seconds"][rival]["median"] / row["seconds"][to]["median"])
