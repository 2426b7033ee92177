"""The README's Python runs as it stands there, from top to bottom, with the packages that it says to install."""

import ast
import importlib.metadata
import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.processes import without

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.usefixtures("catalogue")
def test_the_readmes_python_runs_and_no_result_is_nan() -> None:
    assert BLOCKS
    names: dict[str, Any] = {"__name__": "readme"}
    for statement in ast.parse("\n".join(BLOCKS)).body:
        if not isinstance(statement, ast.Expr):
            exec(compile(ast.Module([statement], []), "README.md", "exec"), names)
            continue
        result = eval(compile(ast.Expression(statement.value), "README.md", "eval"), names)
        if isinstance(result, (float, torch.Tensor)):
            assert not torch.as_tensor(result).isnan().any(), ast.unparse(statement)


def required(requirements: list[str], seen: set[str]) -> set[str]:
    """The packages that these requirements install, with all that those require themselves."""
    for requirement in requirements:
        name = canonical(re.split(r"[^\w.-]", requirement)[0])
        if name not in seen and "extra ==" not in requirement:
            seen.add(name)
            with suppress(importlib.metadata.PackageNotFoundError):  # for another system
                required(importlib.metadata.requires(name) or [], seen)
    return seen


def canonical(name: str) -> str:
    return name.lower().replace("_", "-")


def test_the_readmes_python_needs_no_package_but_those_that_it_says_to_install() -> None:
    [extras] = re.findall(r'pip install "\.\[(.*?)\]"', TEXT)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [line for extra in extras.split(",") for line in project["optional-dependencies"][extra]]
    installed = required([*project["dependencies"], *named, "normwise"], set())
    homes = importlib.metadata.packages_distributions()
    others = [module for module, packages in homes.items() if installed.isdisjoint(map(canonical, packages))]
    assert "pandas" in others
    without(*others, program="\n".join(BLOCKS))
