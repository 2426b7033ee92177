"""Two processes hold parts of torch's distributed tensors: results are those of the whole, by plain tensors."""

import json
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.processes import environment

RANKS = 2

WORKER = """
import os
import json, sys
import torch
import torch.distributed
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor, init_device_mesh
import normwise
from normwise.integrations import TorchMetric

rank, ranks, meeting = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=ranks)
mesh = init_device_mesh("cpu", (ranks,))
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
t = torch.tensor([[0.5, 0.0], [5.0, 4.5]], dtype=torch.float64)
weight, mask, beside = x + 1, x != 3, torch.tensor([1.0, 2.0], dtype=torch.float64)

def plain(value):
    return (value.full_tensor() if isinstance(value, DTensor) else torch.as_tensor(value)).detach().double().tolist()

def accumulated(x, t, **options):
    errors = normwise.Accumulator("mse")
    errors.update(x, t, **options)
    return [*errors.state_dict().values(), errors.compute()]

def metric(x, t, **options):
    found = TorchMetric("mse")
    found.update(x, t, **options)
    return plain(found.compute())

def learned(x, t, make, parameters):
    for parameter in parameters:
        parameter.grad = None
    value = make(x, t)
    value.backward()
    return [plain(value), *(plain(parameter.grad) for parameter in parameters)]

delta = torch.nn.Parameter(beside.clone())
adaptive = normwise.nn.AdaptiveBarronLoss(2).double()

def refused(x, t):
    try:
        normwise.mse_loss(x, t, weight=-weight)
    except ValueError as error:
        return str(error)

RESULTS = {
    "accumulator": accumulated,
    "accumulator, weight": lambda x, t: accumulated(x, t, weight=weight),
    "accumulator, mask": lambda x, t: accumulated(x, t, mask=mask),
    "metric": metric,
    "metric, weight": lambda x, t: metric(x, t, weight=weight),
    "list": lambda x, t: plain(normwise.huber_loss(x, t, delta=[1.0, 2.0])),
    "parameter": lambda x, t: learned(x, t, lambda x, t: normwise.huber_loss(x, t, delta=delta), [delta]),
    "adaptive": lambda x, t: learned(x, t, adaptive, [adaptive.latent_alpha, adaptive.latent_scale]),
    "variance": lambda x, t: plain(normwise.gaussian_nll_loss(x, t, beside)),
    "weight": lambda x, t: plain(normwise.mse_loss(x, t, weight=weight, reduction="none")),
    "negative weight": refused,
}
expected = {name: compute(x, t) for name, compute in RESULTS.items()}
found = {}
for name, placement in {"rows": Shard(0), "columns": Shard(1), "copies": Replicate()}.items():
    parts = [distribute_tensor(array, mesh, [placement]) for array in (x, t)]
    found |= {f"{of}, {name}": [compute(*parts), expected[of]] for of, compute in RESULTS.items()}
print(json.dumps(found))
torch.distributed.destroy_process_group()
sys.stdout.flush()
os._exit(0)  # torch's own threads abort the end of one such process in ten
"""


@pytest.mark.long
def test_parts_on_two_ranks_are_the_whole(tmp_path: Path) -> None:
    start, rest = [sys.executable, "-c", WORKER], [str(RANKS), str(tmp_path / "meeting")]
    workers = [
        subprocess.Popen([*start, str(rank), *rest], stdout=PIPE, text=True, env=environment(OMP_NUM_THREADS="1"))
        for rank in range(RANKS)
    ]
    outputs = [worker.communicate(timeout=240)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * RANKS
    for output in outputs:
        results = json.loads(output.splitlines()[-1])
        assert len(results) == 33
        for name, (found, expected) in results.items():
            if isinstance(expected, str):
                assert found == expected
            else:
                assert flat(found) == pytest.approx(flat(expected), rel=1e-12), name
        assert results["metric, rows"][0] == pytest.approx((0.25 + 4 + 4 + 0.25) / 4, rel=1e-15)


def flat(value: object) -> list[float]:
    return [each for part in value for each in flat(part)] if isinstance(value, list) else [float(str(value))]
