"""Kernels on disk: written once, shared by processes, never in the way."""

import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import normwise
from normwise.engines.cpu.store import CACHE_VARIABLE

CALL = """
import numpy, sys, normwise
assert normwise.mse_loss(numpy.array([3.0, 1.0]), numpy.zeros(2)) == 5.0
from normwise.engines.cpu.store import store_folder
print(store_folder())
"""


def started(folder: Path) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(normwise.__file__).parents[1]),
        CACHE_VARIABLE: str(folder),
    }
    command = [sys.executable, "-W", "error", "-c", CALL]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(process: subprocess.Popen[str]) -> Path:
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return Path(output.strip())


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


def test_a_folder_that_cannot_be_written_is_left_for_a_temporary_one(tmp_path: Path) -> None:
    occupied = tmp_path / "kernels"
    occupied.write_text("not a folder")
    used = finished(started(occupied))
    shutil.rmtree(used)
    assert used != occupied
    assert occupied.read_text() == "not a folder"


def test_a_folder_without_permission_is_left_for_a_temporary_one(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        locked = Path("/proc/normwise-kernels")  # where not even root can make a folder
    else:
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o500)
    used = finished(started(locked))
    shutil.rmtree(used)
    assert used != locked


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
