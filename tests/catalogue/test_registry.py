"""Adding a loss changes one file."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import normwise

ADDED = '''

@loss(domain={"p": POSITIVE})
def rounded(r, p=0.5):
    """Smoothed absolute error."""
    return (r * r + 1e-6) ** p
'''
USED = """
import numpy, torch, normwise
assert "rounded" in normwise.losses
x, t = torch.tensor([3.0, 4.0], requires_grad=True), torch.zeros(2)
value = normwise.rounded_loss(x, t)
value.backward()
assert abs(value.item() - 3.5) < 1e-5, value
assert normwise.nn.RoundedLoss(p=0.5)(x, t) == value
assert normwise.functional.rounded_loss(x.detach().numpy(), t.numpy(), p=1.0) > 12
assert "rounded_loss" in dir(normwise) and "RoundedLoss" in dir(normwise.nn)
try:
    normwise.rounded_loss(x, t, p=-1.0)
except RuntimeError:
    print("done")
"""


def test_a_loss_that_is_added_to_a_page_is_everywhere(tmp_path: Path) -> None:
    shutil.copytree(Path(normwise.__file__).parent, tmp_path / "normwise")
    with (tmp_path / "normwise" / "catalogue" / "regression.py").open("a") as page:
        page.write(ADDED)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", USED],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.stdout == "done\n", result.stderr
