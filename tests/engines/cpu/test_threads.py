"""Threads of kernels: through forks, interrupts, and the end of the interpreter; each in processes of its own."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import normwise

SECONDS = 100
"""Until what waits for ever is given up."""


def output_of(code: str, *arguments: str, **variables: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(Path(normwise.__file__).parents[1]), **variables}
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=SECONDS, check=False)
    assert result.stderr == ""
    assert result.returncode == 0
    return result.stdout


# --- forks ------------------------------------------------------------------------------------------------------------

WORKS = """
import multiprocessing, os, sys

def none():
    pass

def numpy():
    import numpy, normwise
    x = numpy.full(300_000, 3.0)
    assert normwise.mse_loss(x, 0 * x) == 9.0

def normwise():
    import numpy, torch, normwise
    x, t = (torch.from_numpy(numpy.full(300_000, value)) for value in (3.0, 0.0))
    value = normwise.mse_loss(x.requires_grad_(), t)
    value.backward()
    assert value.item() == 9.0 and abs(x.grad[0].item() * 300_000 - 6.0) < 1e-9

def torch():
    import torch
    assert (torch.ones(300_000) * 2).sum().item() == 600_000

def each():
    for work in (numpy, normwise, torch):
        work()

"""

MANY = """
if __name__ == "__main__":
    method, parent, *children = sys.argv[1:]
    context = multiprocessing.get_context(method)
    for child in children:
        globals()[parent]()
        process = context.Process(target=globals()[child])
        process.start()
        process.join(30)
        print(child, process.exitcode)
        process.kill()
"""

CHILDREN = {
    "none": ("numpy", "normwise", "torch"),
    "numpy": ("numpy", "normwise", "torch"),
    "normwise": ("numpy", "normwise", "torch"),
    "torch": ("numpy", "normwise"),  # torch's own operation hangs in the fork of a process that ran another
}
"""What a forked child does, for each that its parent did."""


@pytest.mark.parametrize("parent", CHILDREN)
@pytest.mark.parametrize(
    "method", ["fork", *(pytest.param(name, marks=pytest.mark.long) for name in ("spawn", "forkserver"))]
)
def test_no_child_hangs(tmp_path: Path, method: str, parent: str) -> None:
    script = tmp_path / "script.py"  # which a spawned child reads again
    script.write_text(WORKS + MANY, encoding="utf-8")
    # Who is not forked has nothing of its parent's: one child may do all that there is.
    children = CHILDREN[parent] if method == "fork" else ("each",)
    environment = {**os.environ, "PYTHONPATH": str(Path(normwise.__file__).parents[1])}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", str(script), method, parent, *children]
    output = subprocess.check_output(command, env=environment, text=True, timeout=2 * SECONDS)
    assert dict(line.split() for line in output.splitlines()) == dict.fromkeys(children, "0")


ONLY_IN_THE_CHILD = f"""{WORKS}
torch()
child = os.fork()
if child == 0:
    numpy()
    normwise()
    os._exit(0)
import signal
signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
signal.alarm(30)
print(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="GNU's OpenMP is torch's on Linux alone")
def test_a_child_that_loads_normwise_after_the_fork_does_not_hang() -> None:
    assert output_of(ONLY_IN_THE_CHILD) == "0\n"


WHILE_ANOTHER_THREAD = """
import os, signal, sys, threading, time
import numpy, normwise
from normwise.engines.cpu import BUFFERS

x = numpy.ones(1 << 18)

def allocate():
    for _ in range(3):
        with BUFFERS.lock:
            print("holds", flush=True)
            time.sleep(0.3)

def compile():
    print("holds", flush=True)
    for scale in range(2, 5):
        normwise.loss(f"abs(r) * {scale} + 1")(x, x)

thread = threading.Thread(target=globals()[sys.argv[1]])
normwise.l1_loss(x, x)
thread.start()
time.sleep(0.1)
child = os.fork()
if child == 0:
    normwise.mse_loss(x, x, reduction="none")
    os._exit(0)
signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
signal.alarm(30)
print(os.waitpid(child, 0)[1])
thread.join()
"""


@pytest.mark.parametrize("work", ["allocate", "compile"])
def test_a_fork_while_another_thread_holds_a_lock(tmp_path: Path, work: str) -> None:
    lines = output_of(WHILE_ANOTHER_THREAD, work, NORMWISE_CACHE_DIR=str(tmp_path)).split()
    assert {*lines} == {"holds", "0"}


# --- interrupts -------------------------------------------------------------------------------------------------------

LONG_CALLS = {
    "elements": "normwise.cauchy_loss(wide(1.5, 1 << 15, 1 << 20), wide(0.5, 1 << 15, 1 << 20))",
    "rows": "normwise.norm(wide(1.5, 1 << 24, 1 << 11), 2.7, dim=0)",
    "nearest": "normwise.nearest(points(1 << 17, 64), points(1 << 17, 64), 3)",
    "long points": "normwise.pairwise(wide(1.5, 64, 1 << 23), wide(0.5, 64, 1 << 23))",
}
"""Each takes ten seconds or more on any machine; `wide` takes no memory."""

INTERRUPTED = """
import numpy, sys, normwise

def wide(value, *shape):
    return numpy.broadcast_to(numpy.float32(value), shape)

def points(*shape):
    return numpy.random.default_rng(0).normal(size=shape).astype("float32")

long = sys.argv[1]
short = long.replace("1 << 23", "1 << 14").replace("1 << 15", "2").replace("1 << 24", "512").replace("1 << 17", "200")
before = eval(short)  # compiles: an interrupted import of the compiler cannot be taken up again
for _ in range(2):
    print("begins", flush=True)
    try:
        eval(long)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
after = eval(short)
print(numpy.array_equal(before, after))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("kind", LONG_CALLS)
def test_an_interrupt_ends_a_long_kernel_soon(kind: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(normwise.__file__).parents[1])}
    command = [sys.executable, "-c", INTERRUPTED, LONG_CALLS[kind]]
    with subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE) as child:
        limit = threading.Timer(SECONDS, child.kill)
        limit.start()
        assert child.stdout is not None
        waited = []
        for _ in range(2):
            assert child.stdout.readline() == "begins\n"
            time.sleep(0.5)
            child.send_signal(signal.SIGINT)
            start = time.monotonic()
            assert child.stdout.readline() == "interrupted\n"
            waited.append(time.monotonic() - start)
        output, _ = child.communicate()
        limit.cancel()
    assert output == "True\n"
    assert min(waited) < 1.0  # one of the two, for the machine may be busy


# --- the end of the interpreter ---------------------------------------------------------------------------------------

AT_THE_END = """
import atexit, gc, threading, time
import numpy, normwise

def compute(where, size=1 << 26):
    x, t = (numpy.broadcast_to(numpy.float32(value), size) for value in (3.0, 0.0))
    print(where, normwise.mse_loss(x, t), flush=True)

class Late:
    def __init__(self):
        self.cycle = self  # which the last garbage collection breaks

    def __del__(self):
        compute("finalizer")
        compute("finalizer", 1 << 20)

def thread():
    while threading.main_thread().is_alive():
        time.sleep(0.001)
    compute("thread")
    compute("thread", 1 << 20)

compute("main", 16)
gc.set_threshold(0)
Late()
atexit.register(compute, "atexit")
atexit.register(compute, "atexit", 1 << 20)
threading.Thread(target=thread).start()
"""


@pytest.mark.parametrize("warm", [False, True])
def test_large_losses_are_computed_while_the_interpreter_ends(warm: bool) -> None:
    places = ["main", *(["main"] if warm else []), *["thread"] * 2, *["atexit"] * 2, *["finalizer"] * 2]
    output = output_of(AT_THE_END + 'compute("main")' * warm)
    assert output.splitlines() == [f"{place} 9.0" for place in places]


NO_THREADS = """
import numpy, threading
import normwise
threading.stack_size(1 << 46)  # more than there is, so none can be started
x = numpy.broadcast_to(numpy.float32(3.0), 1 << 26)
print(normwise.mse_loss(x, 0 * x[:1].repeat(1 << 26)), normwise.mse_loss(x[: 1 << 20], numpy.zeros(1 << 20, "f4")))
"""


def test_a_process_that_may_start_no_threads_computes_alone() -> None:
    assert output_of(NO_THREADS) == "9.0 9.0\n"
