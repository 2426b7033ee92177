"""Two processes train on unequal parts of a batch under torch's DistributedDataParallel, which averages gradients."""

import json
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
import torch

from tests.processes import environment

RANKS, ROWS, FEATURES = 2, (5, 11), 4

WORKER = """
import json, os, sys
import torch
import torch.distributed
from torch.nn.parallel import DistributedDataParallel
import normwise

rank, ranks, meeting, share, divide = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=ranks)
x, t, weight = torch.load(share)[rank]
torch.manual_seed(0)
model = DistributedDataParallel(torch.nn.Linear(x.shape[1], 1, dtype=torch.float64))
count = torch.tensor(len(t))
torch.distributed.all_reduce(count)
normalize = {"count": count, "count / ranks": count / ranks, "own": None}[divide]
normwise.mse_loss(model(x).squeeze(-1), t, weight=weight, normalize=normalize).backward()
print(json.dumps(torch.cat([parameter.grad.flatten() for parameter in model.parameters()]).tolist()))
torch.distributed.destroy_process_group()
sys.stdout.flush()
os._exit(0)  # torch's own threads abort the end of one such process in ten
"""


def parts() -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(7)
    return [
        (
            torch.randn(rows, FEATURES, generator=generator, dtype=torch.float64),
            torch.randn(rows, generator=generator, dtype=torch.float64),
            torch.rand(rows, generator=generator, dtype=torch.float64),
        )
        for rows in ROWS
    ]


def gradients(folder: Path, divide: str) -> list[torch.Tensor]:
    """Each rank's gradient after DistributedDataParallel has averaged them."""
    torch.save(parts(), folder / "parts.pt")
    start = [sys.executable, "-c", WORKER]
    rest = [str(RANKS), str(folder / "meeting"), str(folder / "parts.pt"), divide]
    workers = [
        subprocess.Popen([*start, str(rank), *rest], stdout=PIPE, text=True, env=environment(OMP_NUM_THREADS="1"))
        for rank in range(RANKS)
    ]
    outputs = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * RANKS
    return [torch.tensor(json.loads(output.splitlines()[-1]), dtype=torch.float64) for output in outputs]


def whole() -> torch.Tensor:
    """The gradient of the whole batch in one process, in torch's operations."""
    x, t, weight = (torch.cat(each) for each in zip(*parts(), strict=True))
    torch.manual_seed(0)
    model = torch.nn.Linear(FEATURES, 1, dtype=torch.float64)
    (weight * (model(x).squeeze(-1) - t) ** 2).sum().div(len(t)).backward()
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None])


@pytest.mark.long
@pytest.mark.parametrize(("divide", "factor"), [("count / ranks", 1.0), ("count", 1 / RANKS)])
def test_the_count_over_the_number_of_ranks_gives_the_gradient_of_the_whole_batch(
    tmp_path: Path, divide: str, factor: float
) -> None:
    right = whole() * factor
    for gradient in gradients(tmp_path, divide):
        assert (gradient - right).abs().max() <= 1e-14 * right.abs().max()


@pytest.mark.long
def test_means_of_unequal_parts_do_not(tmp_path: Path) -> None:
    """What would go unnoticed otherwise: each rank divides by its own weights."""
    [gradient, _] = gradients(tmp_path, "own")
    assert (gradient - whole()).abs().max() > 1e-2 * whole().abs().max()


def test_it_is_said_where_normalize_is() -> None:
    import normwise

    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for text in (readme, normwise.mse_loss.__doc__ or ""):
        assert "averages gradients over" in " ".join(text.split())
