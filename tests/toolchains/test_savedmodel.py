"""TensorFlow, whose native libraries clash with ours, in an environment of its own: a real export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain.recipe import Recipe, Step, Target
from core.engine import add_model
from core.engine.building import Builder
from core.formats.check import check_artifact
from core.store.store import Store
from core.toolchains.environments import remove
from core.toolchains.lists import get_toolchain
from core.work.stop import Stop
from tests.toolchains.test_litert import index_reached


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    with Store() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_recurrent_program_becomes_a_savedmodel_with_a_free_batch(store: Store, tmp_path: Path) -> None:
    if not index_reached():
        pytest.skip("no package index is reached, so the environment cannot be made")
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent = torch.nn.LSTM(8, 16, batch_first=True)
            self.embedding = torch.nn.Embedding(5, 16)

        def forward(self, steps: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
            told, _ = self.recurrent(steps)
            result: torch.Tensor = told[:, -1] + self.embedding(kind)
            return result

    batch = {0: torch.export.Dim("batch", min=1, max=64)}
    example = (torch.randn(2, 7, 8), torch.randint(0, 5, (2,)))
    made = torch.export.export(Network().eval(), example, dynamic_shapes=(batch, batch))
    torch.export.save(made, str(tmp_path / "network.pt2"))
    model = add_model(store, tmp_path / "network.pt2")
    builder = Builder(store, model, None, 0, Stop(), lambda _: None, lambda *_: None)
    built = builder.build(Recipe((Step("export_savedmodel"),), Target("tensorflow")))
    assert built.format == "savedmodel"
    assert built.details["difference"] < 1e-4
    assert len(built.details["batches"]) == 2
    assert built.options["inputs"] == ["steps", "kind"]
    check_artifact("savedmodel", tuple(store.blobs.lay_out(built.files, tmp_path / "out")))
    remove(get_toolchain("savedmodel"))
