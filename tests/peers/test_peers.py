"""The installed tests of SciPy and scikit-learn, run where they are, with normwise in place of their functions."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.differences import DIFFERENCES

ROOT = Path(__file__).parents[2]
LEAST = {
    "scipy.spatial.tests.test_distance": 440,
    "sklearn.metrics.tests.test_regression": 20,
    "sklearn.metrics.tests.test_common": 330,
}
"""How many of each pass at least: a suite that its peer no longer ships would pass by having none."""


@pytest.mark.long
@pytest.mark.parametrize("suite", LEAST)
def test_the_peers_own_tests_pass(suite: str, tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")  # neither our options nor our warnings as errors
    paths = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--pyargs", suite, "-p", "tests.peers.plugin"),
            *("-q", "-c", str(tmp_path / "pytest.ini"), "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=short"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-10_000:] + run.stderr[-2_000:]
    counts = {kind: int(count) for count, kind in re.findall(r"(\d+) (\w+)", run.stdout.splitlines()[-1])}
    assert counts["passed"] >= LEAST[suite]
    assert counts.get("xfailed", 0) == len(DIFFERENCES[suite])
