"""The stubs are what their generator writes, say what runs, and let checkers judge a user's calls as a person would."""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import normwise
from normwise.stubs import STUBS, main

PACKAGE = Path(normwise.__file__).parent
CALLS = Path(__file__).parent / "typing" / "user_calls.py"
MYPY_CACHE = Path(__file__).parent.parent / ".mypy_cache"

ALLOWED = r"""
# torch's modules claim every attribute, and theirs say that they do not, so that a misspelt one is seen
normwise\.nn\.\w+\.__getattr__
# for TorchScript, not for users
normwise\.nn\.\w+\.__constants__
normwise\.nn\.\w+\.computed_in_python_so_trace_it_to_save_it
# modules without a stub have nothing to be compared with
normwise\.(?!(functional|nn)\.)\w+\..*
normwise\.nn\.(adaptive|norms|scripts)\..*
"""
"""Where the stubs may differ from what runs."""

PYRIGHT = {"typeCheckingMode": "strict", "extraPaths": [str(PACKAGE.parent)]}
MYPY = f"""
[mypy]
strict = true
mypy_path = {PACKAGE.parent}
cache_dir = {MYPY_CACHE}
# torch's own backward() has no types
untyped_calls_exclude = torch

# A user has it installed, and sees no errors in it.
[mypy-normwise.*]
follow_imports = silent
"""
STUBTEST = """
[mypy]
[mypy-normwise.*]
ignore_errors = true
[mypy-normwise.functional,normwise.nn]
ignore_errors = false
"""
COMMANDS = {
    "basedpyright": ("basedpyright", "--pythonpath", sys.executable),
    "mypy": ("mypy", "--config-file", "mypy.ini", CALLS.name),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder outside the clone, as a user's is."""
    (tmp_path / CALLS.name).write_text(CALLS.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(PYRIGHT), encoding="utf-8")
    (tmp_path / "mypy.ini").write_text(MYPY, encoding="utf-8")
    (tmp_path / "stubtest.ini").write_text(STUBTEST, encoding="utf-8")
    (tmp_path / "allowed.txt").write_text(ALLOWED, encoding="utf-8")
    return tmp_path


def printed_by(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert "No module named" not in done.stderr, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("file", STUBS)
def test_a_stub_is_what_its_generator_writes(file: str) -> None:
    assert (PACKAGE / file).read_text(encoding="utf-8") == STUBS[file](), "run make docs"


def test_main_writes_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nn").mkdir()
    monkeypatch.setitem(STUBS, "nn/__init__.pyi", lambda: "class L1Loss: ...  # ≤\n")
    main([str(tmp_path)])
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.pyi")} == STUBS.keys()
    assert (tmp_path / "nn/__init__.pyi").read_text(encoding="utf-8") == "class L1Loss: ...  # ≤\n"


@pytest.mark.parametrize("name", ["normwise", "normwise.functional", "normwise.nn"])
def test_a_module_lists_its_public_names_once_and_no_other(name: str) -> None:
    module = importlib.import_module(name)
    assert dir(module) == module.__all__ == sorted(set(dir(module)))
    hidden = {"Any", "TYPE_CHECKING", "annotations", "import_module", "find_spec", "function_of", "torch"}
    assert hidden & {*dir(module)} == set()
    assert [each for each in dir(module) if each.startswith("_") or not hasattr(module, each)] == []
    found: dict[str, object] = {}
    exec(f"from {name} import *", found)
    assert found.keys() - {"__builtins__"} == {*dir(module)}


@pytest.mark.long
@pytest.mark.parametrize("checker", COMMANDS)
def test_a_checker_sees_the_errors_of_a_users_calls_and_no_other(project: Path, checker: str) -> None:
    lines = CALLS.read_text(encoding="utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# error")}
    output = printed_by(COMMANDS[checker], project)
    found = {int(line): text for line, text in re.findall(rf"{CALLS.name}:(\d+):.*? error: (.*)", output)}
    missed = [lines[number - 1].strip() for number in sorted(wrong - found.keys())]
    needless = {lines[number - 1].strip(): found[number] for number in sorted(found.keys() - wrong)}
    assert (missed, needless) == ([], {}), output


@pytest.mark.long
def test_the_stubs_say_what_runs(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PYTHONPATH", "MYPYPATH"):
        monkeypatch.setenv(variable, str(PACKAGE.parent))
    command = ("mypy.stubtest", "--mypy-config-file=stubtest.ini", "--allowlist=allowed.txt", "normwise")
    output = printed_by(command, project)
    assert output.startswith("Success"), output
