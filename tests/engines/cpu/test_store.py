"""Kernels on disk: written once, shared by processes, never in the way."""

import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import normwise
from normwise.engines.cpu import files
from normwise.engines.cpu.files import CACHE_VARIABLE
from tests.processes import with_full_disk

CALL = """
import numpy, sys, normwise
assert normwise.mse_loss(numpy.array([3.0, 1.0]), numpy.zeros(2)) == 5.0
from normwise.engines.cpu.files import store_folder
print(store_folder())
"""


def started(folder: Path, code: str = CALL, written: int | None = None, **details: Any) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        **details.pop("environment", {}),
        "PYTHONPATH": str(Path(normwise.__file__).parents[1]),
        CACHE_VARIABLE: str(folder),
    }
    command = [sys.executable, "-W", "error", "-c", code]
    if written is not None:
        command = with_full_disk(written, command)
    return subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **details
    )


def output_of(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output


def finished(process: subprocess.Popen[str]) -> Path:
    return Path(output_of(process).strip())


def compiled(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.kernel")}


def test_processes_race_on_an_empty_store_and_the_next_one_compiles_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there" / "yet"
    for process in [started(folder) for _ in range(3)]:
        assert finished(process) == folder
    before = compiled(folder)
    assert len(before) >= 1
    assert finished(started(folder)) == folder
    assert compiled(folder) == before
    assert not list(folder.rglob("*.tmp"))


EIGHT_AT_ONCE = """
import collections, numpy, threading
import normwise
losses = [normwise.mse_loss, normwise.l1_loss]
barrier = threading.Barrier(8)
results = []

def first_call(i):
    barrier.wait(60)
    results.append((i % 2, float(losses[i % 2](numpy.array([3.0, 1.0]), numpy.zeros(2)))))

threads = [threading.Thread(target=first_call, args=[i]) for i in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(collections.Counter(results).items()))
"""


def test_eight_threads_call_first_on_an_empty_store(tmp_path: Path) -> None:
    assert output_of(started(tmp_path, EIGHT_AT_ONCE)).strip() == "[((0, 5.0), 4), ((1, 2.0), 4)]"
    assert len(compiled(tmp_path)) == 2


def emptied(content: bytes) -> bytes:
    return b""


def torn(content: bytes) -> bytes:
    return content[: len(content) // 2]


def rotten(content: bytes) -> bytes:
    return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that has the kernel of `CALL`."""
    return finished(started(tmp_path_factory.mktemp("filled")))


@pytest.mark.parametrize("damage", [emptied, torn, rotten])
def test_a_damaged_file_is_compiled_and_written_anew(filled: Path, damage: Callable[[bytes], bytes]) -> None:
    [path] = filled.glob("*.kernel")
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert finished(started(filled)) == filled
    assert path.read_bytes() == whole


def test_the_file_of_another_kernel_is_not_taken_for_one(tmp_path: Path) -> None:
    losses = (
        "normwise.mse_loss(numpy.array([3.0]), numpy.zeros(1)), normwise.l1_loss(numpy.array([3.0]), numpy.zeros(1))"
    )
    code = f"import numpy, normwise; print({losses})"
    assert output_of(started(tmp_path, code)).strip() == "9.0 3.0"
    first, second = sorted(tmp_path.glob("*.kernel"))
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    assert output_of(started(tmp_path, code)).strip() == "9.0 3.0"
    assert (first.read_bytes(), second.read_bytes()) == contents


def test_no_changed_file_is_read(filled: Path, rng: np.random.Generator, tmp_path: Path) -> None:
    [path] = filled.glob("*.kernel")
    whole = path.read_bytes()
    key = whole[16:48]
    mutated = tmp_path / path.name
    mutated.write_bytes(whole)
    binary = files._read(mutated, key)
    assert binary is not None
    for i in range(10_000):
        content = bytearray(whole)
        kind, place = i % 4, int(rng.integers(len(whole)))
        if kind < 2:
            content[place] ^= 1 << int(rng.integers(8))
        elif kind == 2:
            del content[place:]
        else:
            content[place:place] = rng.bytes(int(rng.integers(1, 9)))
        mutated.write_bytes(content)
        assert files._read(mutated, key) is None, (kind, place)


@pytest.mark.parametrize("of", ["folder", "file"])
@pytest.mark.parametrize("how", ["writable", "owned"])
def test_what_others_could_have_written_is_refused(tmp_path: Path, of: str, how: str) -> None:
    if how == "owned" and os.geteuid() != 0:
        pytest.skip("only root gives a file to somebody else")
    folder = tmp_path / "kernels"
    assert finished(started(folder)) == folder
    [path] = folder.glob("*.kernel")
    path.write_bytes(b"planted")
    foreign = folder if of == "folder" else path
    if how == "writable":
        foreign.chmod(0o775 if of == "folder" else 0o666)
    else:
        os.chown(foreign, 54321, 54321)
    code = CALL.replace(
        "import numpy, sys, normwise", "import numpy, sys, warnings, normwise\nwarnings.simplefilter('always')"
    )
    output, errors = started(folder, f"{code}\nnormwise.l1_loss(numpy.ones(3), numpy.ones(3))").communicate(timeout=120)
    assert output.strip() == str(folder)
    said = "belongs to another user" if how == "owned" else "may be written by other users"
    assert errors.count(f"the kernels in {foreign}, which {said}") == 1, errors
    if of == "folder":
        assert path.read_bytes() == b"planted"
    else:
        assert path.stat().st_uid == os.geteuid()
        assert path.read_bytes() != b"planted"


def test_folders_are_made_for_the_user_alone(tmp_path: Path) -> None:
    folder = finished(started(tmp_path / "kernels"))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_tilde_is_the_home_folder(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert finished(started(Path("~/kernels"), environment=home)) == tmp_path / "kernels"
    assert len(compiled(tmp_path / "kernels")) == 1


def test_no_variable_of_a_compiler_changes_a_kernel(tmp_path: Path) -> None:
    assert finished(started(tmp_path)) == tmp_path
    variables = ("NUMBA_OPT", "NUMBA_DISABLE_JIT", "NUMBA_CPU_NAME", "LLVM_OPTS", "NUMBA_FASTMATH", "CC", "CFLAGS")
    before = compiled(tmp_path)
    assert finished(started(tmp_path, environment=dict.fromkeys(variables, "1"))) == tmp_path
    assert compiled(tmp_path) == before


@pytest.mark.parametrize("size", [0, 1 << 10])
def test_where_a_disk_is_full_kernels_are_compiled_in_memory_and_no_draft_stays(tmp_path: Path, size: int) -> None:
    folder = tmp_path / "kernels"
    assert finished(started(folder, written=size)) == folder
    assert [*folder.iterdir()] == []


def test_kernels_are_read_where_none_can_be_written(filled: Path) -> None:
    code = f"import normwise.engines.cpu.compiler as compiler\ndel compiler.compiled\n{CALL}"
    assert finished(started(filled, code, written=0)) == filled


@pytest.mark.parametrize("beside", ["a file", "no permission"])
def test_a_folder_that_cannot_be_made_is_done_without(tmp_path: Path, beside: str) -> None:
    if beside == "a file":
        folder = tmp_path / "kernels"
        folder.write_text("not a folder")
    elif os.geteuid() == 0:
        folder = Path("/proc/normwise-kernels")  # where not even root can make a folder
    else:
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o500)
        folder = locked / "kernels"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    assert finished(started(folder, environment={"TMPDIR": str(temporary)})) == folder
    assert not folder.is_dir()
    assert [*temporary.iterdir()] == []


def test_a_folder_that_is_deleted_meanwhile_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    code = f"""{CALL}
import shutil
shutil.rmtree(store_folder())
assert normwise.l1_loss(numpy.array([3.0, 1.0]), numpy.zeros(2)) == 2.0
"""
    assert finished(started(folder, code)) == folder
    assert len(compiled(folder)) == 1


HOMELESS = """
import os, numpy, normwise
from normwise.engines.cpu.files import store_folder
arrays = numpy.array([3.0, 1.0]), numpy.zeros(2)
assert normwise.l1_loss(*arrays) == 2.0  # loads all that is to be read from files, which that user may not
store_folder.cache_clear()
os.setuid(54321)  # whom no list of users knows
os.environ.pop("XDG_CACHE_HOME")
assert normwise.mse_loss(*arrays) == 5.0
print(os.listdir())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become a user who does not exist")
def test_a_user_without_a_home_has_kernels_in_memory(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o777)
    environment = {"PYTHONPATH": str(Path(normwise.__file__).parents[1]), "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-W", "error", "-c", HOMELESS]
    output = subprocess.check_output(command, env=environment, cwd=tmp_path, text=True)
    assert output == "['cache']\n"
    assert len(compiled(cache)) == 1


def test_a_constant_that_moves_to_a_new_file_of_device_code_and_changes_is_compiled_anew(tmp_path: Path) -> None:
    package = shutil.copytree(Path(normwise.__file__).parent, tmp_path / "code" / "normwise")
    device = package / "engines" / "cpu" / "device"
    functions = device / "vector_math.py"
    text = functions.read_text(encoding="utf-8")
    moved, count = re.subn(r"^_LOG2 = .*$", "from normwise.engines.cpu.device.constants import _LOG2", text, flags=re.M)
    assert count == 1
    functions.write_text(moved, encoding="utf-8")
    call = "import numpy, normwise; print(normwise.loss('log(2 + abs(r))')(numpy.full(3, 6.0), numpy.zeros(3)))"
    results = []
    for value in ("0.6931471805599453", "1"):
        constant = f"from fractions import Fraction\n\n_LOG2 = Fraction({value})\n"
        (device / "constants.py").write_text(constant, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(package.parent), CACHE_VARIABLE: str(tmp_path / "kernels")}
        output = subprocess.check_output([sys.executable, "-c", call], env=environment, text=True)
        results.append(float(output))
    assert abs(results[0] - math.log(8)) < 1e-6
    assert results[1] > 2.5


MEASURED = """
import gc, numpy, normwise
from normwise.engines.cpu import KernelSpec, compiler
from normwise.engines.cpu.device.kernels import kernel_text
from normwise.formula import trace

def measured():
    gc.collect()
    with open("/proc/self/status") as status, open("/proc/self/maps") as maps:
        [resident] = [int(line.split()[1]) for line in status if line.startswith("VmRSS")]
        return resident, len([*maps])

def growth(of, first, last):
    for i in range(first):
        of(i)
    before = measured()
    for i in range(first, last):
        of(i)
    print(*(after - first for after, first in zip(measured(), before)))
"""

ENDLESS = """
compiler.LEVEL = 0  # how good the code is says nothing of how long it stays, and most of the time goes to that
x, weight = numpy.array([3.0, 1.0]), numpy.array([1.0, 3.0])

def call(i):
    assert normwise.loss(f"abs(r)*{{i + 1}}")(x, numpy.zeros(2){options}) == {expected} * (i + 1)

growth(call, 300, 400)
call(0)
"""

COMPILED = """
def compile(i):
    spec = KernelSpec((trace(lambda r: abs(r) * (i + 1)),), (), ("float64",))
    compiler.compiled(kernel_text(spec, "name"))

growth(compile, 10, 50)
"""


def growth_of(code: str) -> tuple[int, int]:
    """By how many KiB, and how many maps, a process has grown."""
    folder = files.store_folder()
    assert folder is not None
    resident, maps = map(int, output_of(started(folder, MEASURED + code)).split())
    return resident, maps


only_linux = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what a process has")


@only_linux
@pytest.mark.parametrize(("options", "expected"), [("", 2.0), (", weight=weight", 1.5)])
def test_formulas_without_end_take_a_bounded_memory(options: str, expected: float) -> None:
    resident, maps = growth_of(ENDLESS.format(options=options, expected=expected))
    assert resident < 100 * 40  # KiB; a kernel, and all that is known of its formula, is 60 at least
    assert maps < 100  # a kernel is two


@only_linux
def test_compiling_leaves_nothing_in_memory() -> None:
    resident, _ = growth_of(COMPILED)
    assert resident < 40 * 40  # KiB; what LLVM's passes hold is 200


FORGOTTEN = """
import functools, gc, os, threading, numpy, normwise
from normwise.engines.cpu import store

def forget():
    for each in gc.get_objects():
        if type(each) is functools._lru_cache_wrapper and each.__module__.startswith("normwise."):
            each.cache_clear()
    gc.collect()

def call(i):
    assert normwise.loss(f"abs(r)*{i + 1}")(numpy.array([3.0, 1.0]), numpy.zeros(2)) == 2.0 * (i + 1)

def loaded():
    return len(store._loader._trackers)
"""


def run_forgotten(code: str) -> None:
    folder = files.store_folder()
    assert folder is not None
    output_of(started(folder, FORGOTTEN + code))


def test_code_that_nobody_holds_is_unloaded_and_loaded_again() -> None:
    run_forgotten("""
for i in range(8):
    call(i)
assert loaded() == 8
forget()
for i in range(3):
    call(i)
assert loaded() == 3, loaded()
""")


def test_who_holds_the_function_of_a_kernel_holds_its_code() -> None:
    run_forgotten("""
from normwise.engines.cpu import Kernel, KernelSpec
kernel = Kernel(KernelSpec((normwise.losses["mse"].formula,), (), ("float64", "float64")))
function, pack = kernel._call, kernel._pack
words, sums, numbers = bytearray(8 * 64), numpy.zeros(1), numpy.array([3.0, 1.0])
del kernel
forget()
call(0)
assert loaded() == 2
zeros = numpy.zeros(2)
pack(words, 0, 0, 1, 1, 1, 2, 1, 1 << 15, 1, sums.ctypes.data, numbers.ctypes.data, zeros.ctypes.data)
import ctypes
function(ctypes.addressof(ctypes.c_char.from_buffer(words)))
assert sums[0] == 10.0
del function
call(1)
assert loaded() == 2
""")


def test_a_graph_whose_kernels_were_unloaded_meanwhile_is_differentiated() -> None:
    run_forgotten("""
import torch
x = torch.tensor([4.0, 1.0], dtype=torch.float64, requires_grad=True)

def loss():
    return normwise.loss("abs(r)**1.5")(x, torch.zeros(2, dtype=torch.float64), reduction="sum")

def forget_all():
    forget()
    call(0)

first, second = loss(), loss()
forget_all()
[gradient] = torch.autograd.grad(first, x, torch.tensor(2.0, dtype=torch.float64), retain_graph=True)
assert torch.allclose(gradient, 3 * x.detach().sqrt())
forget_all()
[again] = torch.autograd.grad(first, x)
assert torch.allclose(again, 1.5 * x.detach().sqrt())
[slope] = torch.autograd.grad(second, x, create_graph=True)
forget_all()
[curvature] = torch.autograd.grad(slope.sum(), x)
assert torch.allclose(curvature, 0.75 / x.detach().sqrt())
""")


def test_threads_call_while_code_is_unloaded_and_loaded() -> None:
    run_forgotten("""
import itertools, time
failures, ended = [], threading.Event()

def call_many(first):
    try:
        for i in itertools.count(first):
            call(i % 12)
            if ended.is_set():
                break
    except BaseException as error:
        failures.append(error)

threads = [threading.Thread(target=call_many, args=[3 * i]) for i in range(4)]
for thread in threads:
    thread.start()
for _ in range(60):
    forget()
    time.sleep(0.01)  # a collection of garbage keeps the interpreter's lock: without a pause the others would starve
ended.set()
for thread in threads:
    thread.join()
assert not failures, failures
assert store._loader._count > 2 * 60, store._loader._count
""")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_unloads_and_loads() -> None:
    run_forgotten("""
for i in range(4):
    call(i)
forget()
child = os.fork()
for i in range(3, 8):
    call(i)
forget()
call(0)
assert loaded() == 1
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
""")


def kernel_file(folder: Path, i: int, age: float = 0.0, size: int = 100) -> Path:
    return aged(folder / f"{i:032x}.kernel", age, size)


def aged(path: Path, age: float, size: int = 100) -> Path:
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A store of at most 1000 bytes."""
    monkeypatch.setattr(files, "BOUND", 1000)
    monkeypatch.setattr(files, "LEFT", 750)
    monkeypatch.setattr(files, "store_folder", lambda: tmp_path)
    tmp_path.chmod(0o700)
    return tmp_path


def test_beyond_the_bound_the_least_recently_used_go_and_nothing_that_is_not_ours(small: Path) -> None:
    used_long_ago = {5, 2, 7, 1}
    kernels = {i: kernel_file(small, i, age=1e7 if i in used_long_ago else 10.0) for i in range(11)}
    others = [
        *(aged(small / name, 1e8) for name in ("notes.txt", "my.kernel", "my.tmp", f"{1:032x}.kernel.old")),
        small / f"{99:032x}.kernel",
        small / f"{98:032x}.kernel",
    ]
    others[-2].mkdir()
    others[-1].symlink_to(others[0])
    files.sweep(small)
    assert {i for i, path in kernels.items() if not path.exists()} == used_long_ago
    assert all(path.exists() for path in others)
    files.sweep(small)
    assert len([*small.glob("*.kernel")]) == 7 + 3


def test_drafts_that_nobody_will_end_are_deleted(small: Path) -> None:
    old, young = (aged(small / f"{i:032x}abcd_{i}ef.tmp", age) for i, age in ((1, 4000.0), (2, 3000.0)))
    kernel = kernel_file(small, 1, age=1e8)
    files.sweep(small)
    assert [old.exists(), young.exists(), kernel.exists()] == [False, True, True]


def test_of_many_writes_one_sweeps(small: Path) -> None:
    for i in range(20):
        kernel_file(small, i, age=10.0)
    one, other = (b"\xff" * 28 + last.to_bytes(4, "big") for last in (255, 256))
    files.write(one, b"code")
    assert len(compiled(small)) == 21
    files.write(other, b"code")
    assert len(compiled(small)) < 10
    assert files.read(other) == b"code"


def test_reading_notes_the_day_of_use(small: Path) -> None:
    key = bytes(range(32))
    files.write(key, b"code")
    [path] = small.glob("*.kernel")
    for age, noted in ((3600.0, False), (2 * files.DAY, True)):
        before = time.time() - age
        os.utime(path, (before, before))
        assert files.read(key) == b"code"
        assert (path.stat().st_mtime > before + 1) == noted


def test_several_sweep_at_once(small: Path) -> None:
    for i in range(300):
        kernel_file(small, i, age=float(i))
    with ThreadPoolExecutor(4) as pool:
        for swept in [pool.submit(files.sweep, small) for _ in range(8)]:
            swept.result()
    assert sorted(compiled(small)) == [f"{i:032x}.kernel" for i in range(7)]
