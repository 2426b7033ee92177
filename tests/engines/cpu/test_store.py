"""Kernels on disk: written once, shared by processes, never in the way."""

import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import normwise
from normwise.engines.cpu.store import CACHE_VARIABLE
from tests.processes import with_full_disk

CALL = """
import numpy, sys, normwise
assert normwise.mse_loss(numpy.array([3.0, 1.0]), numpy.zeros(2)) == 5.0
from normwise.engines.cpu.store import store_folder
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
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.o")}


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


@pytest.mark.parametrize(("ending", "damage"), [("o", emptied), ("o", torn), ("o", rotten), ("s", torn)])
def test_a_damaged_file_is_compiled_and_written_anew(
    filled: Path, ending: str, damage: Callable[[bytes], bytes]
) -> None:
    [path] = filled.glob(f"*.{ending}")
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert finished(started(filled)) == filled
    assert len(path.read_bytes()) == len(whole)


@pytest.mark.parametrize("size", [0, 1 << 10])
def test_where_a_disk_is_full_kernels_are_compiled_in_memory_and_no_draft_stays(tmp_path: Path, size: int) -> None:
    folder = tmp_path / "kernels"
    assert finished(started(folder, written=size)) == folder
    assert [*folder.iterdir()] == []


def test_kernels_are_read_where_none_can_be_written(filled: Path) -> None:
    code = f"{CALL}\nassert 'numba' not in sys.modules"
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
from normwise.engines.cpu.store import store_folder
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


def test_device_code_imports_nothing_of_normwise_but_device_code() -> None:
    folder = Path(normwise.__file__).parent / "engines" / "cpu" / "device"
    imported = {
        module
        for path in folder.rglob("*.py")
        for module in re.findall(r"^\s*(?:from|import) (normwise[\w.]*)", path.read_text(encoding="utf-8"), re.M)
    }
    outside = {module for module in imported if not module.startswith("normwise.engines.cpu.device")}
    assert imported
    assert outside == set()
