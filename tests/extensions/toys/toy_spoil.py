"""Quantizes so badly that nothing of the model is left: what ought to be noticed."""

from __future__ import annotations

import numpy as np

from core.domain.technique import Kind, Precision
from core.errors import PassFailed
from core.protocols import LocalArtifact, Pass, PassContext


class ToySpoil(Pass):
    id = "toy_spoil"
    name = "Spoiled"
    summary = "Puts other weights in the place of all."
    kind = Kind.QUANTIZATION
    produces = {"toy": "toy"}  # noqa: RUF012
    precision = Precision.INT8

    def run(self, context: PassContext, artifact: LocalArtifact, params: object) -> LocalArtifact:
        weights = np.load(artifact.path, allow_pickle=False)["toy_weights"]
        path = context.folder / "model.npz"
        np.savez(path, toy_weights=weights[:, ::-1])
        return LocalArtifact("toy", path, (path,))

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: object) -> None:
        if not after.path.stat().st_size:
            raise PassFailed("Nothing is left.", hint="Try again.")


PASS = ToySpoil()
