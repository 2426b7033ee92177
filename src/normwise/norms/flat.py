"""The norm of all elements of large arrays in one piece, as a number; small ones are one line (`lines.py`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from normwise.engines.cpu import Kernel, KernelSpec, Storage
from normwise.engines.layout import Layout
from normwise.formula import Formula
from normwise.formula.caches import computed_once, per_formula
from normwise.formula.numbers import number_function
from normwise.norms.on_kernels import doubt, row_kernel, stays_inside, towards
from normwise.terms import norm_terms, ties


class Whole:
    """The norm of all elements of arrays in one piece.

    Parameters
    ----------
    of : Formula
        What it is the norm of.
    p : float
        The order.
    storage : tuple of str
        The types of what is measured.
    """

    def __init__(self, of: Formula, p: float, storage: tuple[Storage, ...]) -> None:
        self.terms = terms = norm_terms(p, of, weighted=False, masked=False, omits=False)
        norm = terms.norm
        self.of, self.p, self._storage = of, p, storage
        self._finish = number_function(norm.finish.expression, *norm.finish.arrays)
        self._slope = number_function(norm.slope.expression, *norm.slope.arrays)
        sure = stays_inside(p, storage, weighted=False) or not norm.may_leave_range
        self._doubt = None if sure else number_function(doubt(norm).expression, *norm.finish.arrays)
        self._sum = self._pass((terms.value,)) if norm.extreme is None else self._largest
        self._writers: dict[tuple[str, ...], Callable[..., Any]] = {}

    def value(self, size: int, places: Sequence[int]) -> float | None:
        """Return the norm of `size` elements, 1 at least, at some addresses; None where powers may leave the range."""
        [found] = self._sum(size, places)
        if self._doubt is not None and self._doubt(found):
            return None
        return self._finish(found)

    def write_gradients(
        self,
        size: int,
        places: Sequence[int],
        value: float,
        upstream: float,
        results: Mapping[str, int],
    ) -> None:
        """Write the gradients in some arrays, times what comes from upstream, to addresses by the arrays' names."""
        extreme = self.terms.norm.extreme is not None
        slope = self._ties(size, places, (), value)[0] if extreme else self._slope(value)
        wrt = (*results,)
        write = self._writers.get(wrt)
        if write is None:
            outputs = [_of_numbers(towards(self.terms.slope, self.of, name), self.of) for name in wrt]
            write = self._writers[wrt] = self._pass((), outputs, wrt)
        write(size, places, results.values(), upstream / slope if slope else 0.0, *[value] * extreme)

    @computed_once
    def _ties(self) -> Callable[..., Sequence[float]]:
        return self._pass([_of_numbers(ties(self.terms.value), self.of)])

    def _pass(
        self, sums: Sequence[Formula], outputs: Sequence[Formula] = (), wrt: Sequence[str] = ()
    ) -> Callable[..., Sequence[float]]:
        """Return the function of a size, the addresses of the arrays and of the results, and parameters."""
        names = self.of.arrays
        read = frozenset[str]().union(*(formula.reads for formula in (*sums, *outputs)))
        at = [i for i, name in enumerate(names) if name in read]
        storage: list[Storage] = [self._storage[i] for i in (*at, *map(names.index, wrt))]
        run = Kernel(KernelSpec((*sums,), (*outputs,), (*storage,), None, wide=True)).flat

        def call(size: int, places: Sequence[int], results: Iterable[int] = (), *numbers: float) -> Sequence[float]:
            return run(size, *[places[i] for i in at], *results, *numbers)

        return call

    def _largest(self, size: int, places: Sequence[int]) -> Sequence[float]:
        direct = (True,) * len(places)
        kernel = row_kernel(self.terms.value, self._storage, direct, "columns", self.terms.norm.extreme)
        [found] = kernel.reduced(Layout(1, 1, size, ((0, 0, 1),) * len(places)), places, ())
        return (found.item(),)


def _of_numbers(formula: Formula, of: Formula) -> Formula:
    """The formula with all arrays but those of another as parameters."""
    others = {name: 0.0 for name in formula.arrays if name not in of.arrays}
    return Formula(formula.name, of.arrays, others, formula.expression)


@per_formula
def whole_norm(of: Formula, p: float, storage: tuple[Storage, ...]) -> Whole:
    """Return the `Whole` of these."""
    return Whole(of, p, storage)
