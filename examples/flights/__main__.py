"""Train one model by three losses, forecast the other days, and evaluate the forecasts by the three losses."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import fill
from time import perf_counter

import pandas as pd
import torch
from rich import box
from rich.console import Console
from rich.table import Table

import normwise
from examples.flights.data import flights, held_out, training
from examples.flights.model import CRITERIA, Features, predict, train
from examples.flights.optimum import LEAST
from examples.flights.progress import training_progress
from examples.flights.verdict import NAIVE, TARGET, TRAINED_BY, centres, verdict
from normwise.evaluation import Evaluation
from normwise.output import draft
from normwise.terminal import print_evaluation

OUTPUT = Path(__file__).parent / "output" / "predictions.parquet"
KEYS = ["month", "day", "carrier", "flight", "origin", "dest"]
WIDTH = 98

Models = dict[str, torch.nn.Linear]

console = Console(highlight=False)


def main() -> int:
    """Run the demonstration; return 0 if each loss's own model is the best of the three by that loss."""
    everything = flights()
    seen, unseen = training(everything), held_out(everything)
    cancelled = int((everything.day % 2 == 0).sum()) - len(unseen)
    _say(
        f"{len(everything):,} flights from New York in 2013: how late will each arrive? One linear model, "
        f"trained by three losses on the {len(seen):,} flights of the odd days that arrived, forecasts the "
        f"{len(unseen):,} of the even days that left. ({cancelled:,} more were cancelled: there is nothing to "
        f"forecast from, or to compare with.)"
    )
    features = Features(seen)
    models = _trained(features(seen), torch.tensor(seen[TARGET].to_numpy()))
    predictions = _predictions(models, features, unseen)
    OUTPUT.parent.mkdir(exist_ok=True)
    with draft(OUTPUT) as beside:
        predictions.to_parquet(beside, index=False)
    evaluation = normwise.evaluate(OUTPUT, target=TARGET, prediction=[NAIVE, *TRAINED_BY], losses=list(CRITERIA))
    _show(evaluation)
    holds, sentences = verdict(evaluation)
    for sentence in [*sentences, *centres(predictions)]:
        _say(sentence, indent="- ")
    return 0 if holds else 1


def _trained(features: torch.Tensor, target: torch.Tensor) -> Models:
    """Train a model by each loss, and show how near it comes to the least loss that any such model has."""
    table = Table("trained by", "seconds", "mean loss", "least possible", "above it by", box=box.SIMPLE_HEAD)
    for column in table.columns[1:]:
        column.justify = "right"
    models: Models = {}
    with training_progress(console) as follow:
        for column, name in TRAINED_BY.items():
            start = perf_counter()
            model = models[column] = train(CRITERIA[name], features, target, follow(name))
            seconds = perf_counter() - start
            with torch.no_grad():
                predicted = predict(model, features)
                loss = CRITERIA[name](predicted, target).item()
            least = LEAST[name](features, predicted - target, target)
            table.add_row(name, f"{seconds:.1f}", f"{loss:.9f}", f"{least:.9f}", f"{max(loss - least, 0):.0e}")
    console.print("\n[bold]Odd days:[/] trained until no lower loss is possible (a bound proved by duality)")
    console.print(table)
    return models


def _predictions(models: Models, features: Features, flights: pd.DataFrame) -> pd.DataFrame:
    """The forecasts of all models, and the naive one: it arrives as late as it left."""
    columns = features(flights)
    with torch.no_grad():
        forecasts = {name: predict(model, columns).numpy() for name, model in models.items()}
    return flights[[*KEYS, TARGET]].assign(**{NAIVE: flights.dep_delay}, **forecasts)


def _show(evaluation: Evaluation) -> None:
    """Print the table of scores, and the command that prints it too, with the differences of all pairs beside."""
    console.print("[bold]Even days:[/] mean loss ± standard error, in minutes and squared minutes")
    print_evaluation(replace(evaluation, overall=replace(evaluation.overall, differences=())))
    command = [
        f".venv/bin/normwise evaluate {os.path.relpath(OUTPUT)}",
        f"    --target {TARGET} " + " ".join(f"-p {name}" for name in evaluation.predictions),
        "    " + " ".join(f"--loss {name}" for name in evaluation.losses),
    ]
    console.print("\nThe same, with the 95% intervals of all differences, from the file of the forecasts:")
    console.print(" \\\n".join(command), soft_wrap=True, end="\n\n")


def _say(text: str, indent: str = "") -> None:
    console.print(fill(text, min(WIDTH, console.width), initial_indent=indent, subsequent_indent=" " * len(indent)))


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # DuckDB's binding would call what Narwhals keeps cached a leak, in forty lines below the table
