"""Interleaved timing: every rival in turn, round after round, so that a busy moment hits all of them."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

ROUNDS = 9
"""Samples of each rival, at least."""

MANY = 41
"""Samples where a few hundredths are to be told apart."""

LEAST_SECONDS = 2e-3
"""What a sample takes at least: a quick function is called many times in one."""

LONG = 0.5
"""Seconds from which on it is not asked any closer how long a call takes."""


def interleaved(
    rivals: Mapping[str, Callable[[], Any]],
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, dict[str, float]]:
    """Return each rival's median and minimum, in seconds a call.

    Garbage is collected before, not during: a collection would be charged to whoever runs at that moment.
    """
    repeats = {name: _repeats(function, clock) for name, function in rivals.items()}
    samples: dict[str, list[float]] = {name: [] for name in rivals}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, function in rivals.items():
                samples[name].append(_sample(function, repeats[name], clock))
    finally:
        gc.enable()
    return {name: {"median": statistics.median(times), "minimum": min(times)} for name, times in samples.items()}


def _sample(function: Callable[[], Any], repeats: int, clock: Callable[[], float]) -> float:
    prepare = getattr(function, "prepare", None)
    if prepare is not None:  # what comes before each call, and is not timed
        seconds = 0.0
        for _ in range(repeats):
            prepare()
            start = clock()
            function()
            seconds += clock() - start
        return seconds / repeats
    start = clock()
    for _ in range(repeats):
        function()
    return (clock() - start) / repeats


def _repeats(function: Callable[[], Any], clock: Callable[[], float]) -> int:
    """How many calls a sample holds, after two calls that warm up, or what a very long one has to warm up instead."""
    warm = getattr(function, "warm", None)
    if warm is not None:
        warm()
        return 1
    function()
    if _sample(function, 1, clock) > LONG:
        return 1
    return max(1, round(LEAST_SECONDS / max(_sample(function, 3, clock), 1e-9)))
