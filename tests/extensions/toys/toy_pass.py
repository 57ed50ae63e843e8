"""Rounds the weights of toy models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.domain.finding import Finding, FindingKind
from core.domain.measurement import Environment
from core.domain.model import SourceModel
from core.domain.recipe import Step
from core.domain.run import Result
from core.domain.technique import Kind, Precision
from core.errors import PassFailed
from core.params import setting
from core.protocols import Idea, LocalArtifact, Pass, PassContext


@dataclass(frozen=True)
class ToyRoundParams:
    digits: int = setting(3, "Digits", low=1, high=7, words={2: "two digits"})


class ToyRound(Pass):
    id = "toy_round"
    name = "Rounded"
    summary = "Rounds all weights."
    kind = Kind.QUANTIZATION
    produces = {"toy": "toy"}  # noqa: RUF012
    Params = ToyRoundParams
    precision = Precision.FP16

    def ideas(self, model: SourceModel, environment: Environment) -> Iterable[Idea]:
        yield Idea(1, 100, "toy", (Step(self.id, {"digits": 2}),))

    def run(self, context: PassContext, artifact: LocalArtifact, params: ToyRoundParams) -> LocalArtifact:
        weights = np.load(artifact.path, allow_pickle=False)["toy_weights"]
        path = context.folder / "model.npz"
        np.savez(path, toy_weights=np.round(weights, params.digits))
        return LocalArtifact("toy", path, (path,), {}, {"digits": params.digits})

    def ensures(self, before: LocalArtifact, after: LocalArtifact, params: ToyRoundParams) -> None:
        if after.details["digits"] != params.digits:
            raise PassFailed("It was rounded to other digits.", hint="Try again.")

    def findings(self, details: Mapping[str, Any], result: Result) -> Iterable[Finding]:
        yield Finding("toy", FindingKind.NOTE, f"Its weights have {details['digits']} digits.")


PASS = ToyRound()
