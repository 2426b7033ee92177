"""What is computed once, and what that locks: nothing."""

import threading

from normwise.formula.caches import computed_once


class Thing:
    def __init__(self, wait: threading.Event | None = None) -> None:
        self.wait = wait
        self.computed = 0

    @computed_once
    def value(self) -> int:
        """Something."""
        self.computed += 1
        if self.wait is not None:
            assert self.wait.wait(60)
        return 7


def test_it_is_computed_once() -> None:
    thing = Thing()
    assert [thing.value, thing.value] == [7, 7]
    assert thing.computed == 1
    assert Thing.value.__doc__ == "Something."


def test_one_who_computes_keeps_nobody_waiting() -> None:
    """As a lock would, which a child that is forked meanwhile inherits."""
    go, done = threading.Event(), threading.Event()
    slow = threading.Thread(target=lambda: Thing(go).value, daemon=True)
    slow.start()
    other = threading.Thread(target=lambda: (Thing().value, done.set()), daemon=True)
    other.start()
    assert done.wait(30)
    go.set()
    slow.join(30)
    assert not slow.is_alive()
