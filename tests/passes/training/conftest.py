"""Small networks with a task that they can learn, and what a pass that trains is given."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core import params, registry
from core.domain.model import SourceModel
from core.graphs.torch.modules import exported_module, load_exported
from core.passes.torch_calls import exported
from core.protocols import Array, Feed, LocalArtifact, PassContext, Training, TrainingRows
from tests.passes import zoo
from tests.passes.conftest import artifact

CLASSES, SIZE = 4, 8


def rows(feed: Feed, labels: Array | None) -> TrainingRows:
    """Return rows as the engine gives them."""
    samples = len(next(iter(feed.values())))

    def batches(size: int, seed: int | None) -> Iterator[tuple[Feed, Array | None]]:
        order = np.arange(samples) if seed is None else np.random.default_rng(seed).permutation(samples)
        for start in range(0, samples, size):
            taken = np.resize(np.roll(order, -start), size)
            given = {name: each[taken] for name, each in feed.items()}
            yield given, None if labels is None else labels[taken]

    return TrainingRows(samples, labels is not None, batches)


@dataclass
class Bench:
    """A teacher, data, and what is told meanwhile."""

    model: SourceModel
    teacher: LocalArtifact
    feed: Feed
    labels: Array
    folder: Path
    told: list[tuple[int, int, dict[str, float]]] = field(default_factory=list)

    def context(
        self, name: str, labelled: bool = False, seconds: float = inf, most: int = 192
    ) -> PassContext:
        """Return what a pass gets; the last quarter of the rows is to search by."""
        out, kept = self.folder / name, self.folder / f"{name}-kept"
        out.mkdir(exist_ok=True)
        kept.mkdir(exist_ok=True)
        learned, searched = slice(0, most), slice(192, 256)
        end = time.monotonic() + seconds

        def share(part: slice) -> TrainingRows:
            taken = {key: each[part] for key, each in self.feed.items()}
            return rows(taken, self.labels[part] if labelled else None)

        training = Training(
            share(learned),
            share(searched),
            self.teacher,
            kept,
            lambda: end - time.monotonic(),
            lambda done, total, figures: self.told.append((done, total, dict(figures))),
        )

        def calibration() -> Iterator[Feed]:
            return ({key: each[at : at + 1] for key, each in self.feed.items()} for at in range(64))

        return PassContext(self.model, out, calibration, 0, 1, training)

    def apply(
        self,
        pass_id: str,
        before: LocalArtifact,
        name: str,
        context: PassContext | None = None,
        **values: Any,
    ) -> LocalArtifact:
        """Run and check a pass as the engine does."""
        found = registry.get_pass(pass_id)
        settings = params.make(found.Params, values)
        made = found.run(context or self.context(name), before, settings)
        found.ensures(before, made, settings)
        return made

    def saved(self, module: Any, name: str) -> LocalArtifact:
        """Return `module` as a pt2 artifact."""
        path = self.folder / f"{name}.pt2"
        for each in module.parameters():
            each.requires_grad_(False)
        torch.export.save(exported(module, self.context(name)), str(path))
        return artifact("pt2", path)

    def answers(self, made: LocalArtifact) -> Array:
        """Return the first output on the search rows."""
        module: Any = exported_module(load_exported(made.path))
        given = [torch.from_numpy(self.feed[spec.name][192:]) for spec in self.model.inputs]
        with torch.no_grad():
            found = module(*given)
        return np.asarray(found[0] if isinstance(found, tuple) else found)

    def agreement(self, made: LocalArtifact) -> float:
        """Return the share of search rows whose class is the teacher's."""
        return float((self.answers(made).argmax(1) == self.answers(self.teacher).argmax(1)).mean())


class Convolutional(torch.nn.Module):
    """Two convolutions with batch norms."""

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.norm = torch.nn.BatchNorm2d(width)
        self.second = torch.nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = torch.nn.BatchNorm2d(width)
        self.head = torch.nn.Linear(width, CLASSES)

    def forward(self, input: Any) -> Any:
        inner = torch.relu(self.norm(self.first(input)))
        inner = torch.relu(self.norm2(self.second(inner)))
        return self.head(inner.mean((2, 3)))


def pictures() -> tuple[Array, Array]:
    """Return pictures of four patterns, upright and mirrored ones of different classes, and their classes."""
    rng = np.random.default_rng(0)
    labels = np.arange(256) % CLASSES
    rng.shuffle(labels)
    images = 0.3 * rng.standard_normal((256, 1, SIZE, SIZE)).astype("f4")
    slope = np.linspace(-1, 1, SIZE, dtype="f4")
    diagonal = np.eye(SIZE, dtype="f4") * 2
    patterns = [slope[None, :] + 0 * slope[:, None], slope[:, None] + 0 * slope, diagonal, diagonal[:, ::-1]]
    for at, label in enumerate(labels):
        images[at, 0] += patterns[label]
    return images, labels.astype(np.int64)


def learned(network: torch.nn.Module, given: Array, loss: Any, steps: int = 60) -> torch.nn.Module:
    """Return `network` trained a little."""
    torch.set_num_threads(1)
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    network.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss(network(torch.from_numpy(given))).backward()
        optimizer.step()
    return network.eval()


def classifier(folder: Path, network: torch.nn.Module) -> Bench:
    """Return a bench with `network` as the teacher of the four patterns."""
    images, labels = pictures()
    wanted = torch.from_numpy(labels)
    learned(network, images, lambda found: torch.nn.functional.cross_entropy(found, wanted))
    shape = ("b", *images.shape[1:])
    model = zoo.source({"input": ("float32", shape)}, {"output": ("float32", ("b", CLASSES))}, "pt2")
    model = replace(model, task="image-classification", classes=CLASSES)
    bench = Bench(model, artifact("pt2", folder / "t"), {"input": images}, labels, folder)
    bench.teacher = bench.saved(network, "teacher")
    return bench


@pytest.fixture(scope="session")
def _patterns(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    torch.manual_seed(0)
    return classifier(tmp_path_factory.mktemp("patterns"), Convolutional())


@pytest.fixture
def patterns(_patterns: Bench, tmp_path: Path) -> Bench:
    """The network of four patterns with a folder of the test's own."""
    return replace(_patterns, folder=tmp_path, told=[])


@pytest.fixture
def damaged(patterns: Bench) -> LocalArtifact:
    """The teacher with noise on its weights: wrong more often than right."""
    module: Any = exported_module(load_exported(patterns.teacher.path))
    torch.manual_seed(1)
    with torch.no_grad():
        for each in module.parameters():
            each += 0.6 * each.std(correction=0) * torch.randn_like(each) if each.ndim > 1 else 0
    return patterns.saved(module, "damaged")


def killed_at(
    step: int, bench: Bench, name: str, before: LocalArtifact, monkeypatch: pytest.MonkeyPatch, **values: Any
) -> PassContext:
    """Train until `step`, where it dies, with its state kept after every step; return what it was given."""
    context = bench.context("killed")
    assert context.training is not None
    monkeypatch.setattr("core.passes.training.loop.SAVE_EVERY_S", 0.0)
    monkeypatch.setattr("core.passes.training.loop.SAVED_SHARE", 1e9)

    def report(done: int, total: int, figures: Any) -> None:
        if done == step:
            raise KeyboardInterrupt

    dying = replace(context, training=replace(context.training, report=report))
    with pytest.raises(KeyboardInterrupt):
        bench.apply(name, before, "killed", context=dying, **values)
    return context
