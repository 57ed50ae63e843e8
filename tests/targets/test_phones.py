"""Targets for phones are built in confined processes, native converters and all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from core.domain.recipe import Recipe, Target
from core.engine import add_model
from core.engine.building import Builder
from core.registry import get_runtime, get_target
from core.search.paths import path_to
from core.store.store import Store
from core.work.stop import Stop

EXPORTS = [
    (name, precision)
    for name in ("ncnn", "executorch", "coreml")
    for precision in get_target(name).precisions
]


class Network(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.look = torch.nn.Conv2d(3, 16, 3, padding=1)
        self.table, self.wide = torch.nn.Embedding(5, 16), torch.nn.Linear(16, 256)
        self.head = torch.nn.Linear(256, 10)

    def forward(self, image: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
        seen = self.look(image).relu().mean((2, 3)) + self.table(kind).mean(1)
        answer: torch.Tensor = self.head(self.wide(seen).relu())
        return answer


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    with Store() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize(("name", "precision"), EXPORTS)
def test_it_is_built_confined(name: str, precision: str, store: Store, tmp_path: Path) -> None:
    example = (torch.randn(2, 3, 16, 16), torch.randint(0, 5, (2, 4)))
    batch = {0: torch.export.Dim("batch", min=1, max=64)}
    program = torch.export.export(Network().eval(), example, dynamic_shapes=(batch, batch))
    torch.export.save(program, str(tmp_path / "network.pt2"))
    model = add_model(store, tmp_path / "network.pt2")
    target = get_target(name)
    steps = path_to("pt2", target.precisions[precision], get_runtime(target.runtime), target.format)
    assert steps is not None
    builder = Builder(store, model, None, 0, Stop(), lambda _: None, lambda *_: None)
    built = builder.build(Recipe(steps, Target(target.runtime)))
    assert built.format == target.format
