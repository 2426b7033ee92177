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
