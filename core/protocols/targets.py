"""Export targets: a deployment format in the precisions that it has, and what a person should know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.domain.export import ExportPrecision, Scenario
from core.domain.recipe import Step


@dataclass(frozen=True)
class Advice:
    """What the format guide says of a target in one scenario.

    Attributes:
        rank: 1 for the first choice there; of the targets that take a model the one with the least is
            recommended.
        why: Why it suits, in a sentence or two.
        needs: What has to be there to run it, in a sentence: libraries, operating system, hardware.
        precisions: Those that suit there, the best first; all of the target's if empty.
    """

    rank: int
    why: str
    needs: str
    precisions: tuple[ExportPrecision, ...] = ()


@dataclass(frozen=True)
class Client:
    """Lines of another language that load an exported file; kits hold them in ``clients``.

    Attributes:
        language: For people, such as ``C++``.
        file: Name of the file, such as ``main.cpp``; ``{model}`` in `text` becomes the name of the model's
            file.
        text: The lines.
        tried: How it was tried, as a sentence, such as ``Compiled with g++ and run in the tests.``; empty
            where nobody could, which kits say.
    """

    language: str
    file: str
    text: str
    tried: str = ""


@dataclass(frozen=True)
class ExportTarget:
    """One deployment format. A target is one file in `core/targets` that exports ``TARGET``.

    Attributes:
        id: Stable name, such as ``litert``; it stands on command lines, in databases and in result files.
        name: For people.
        summary: What it is for, in one sentence.
        runtime: Id of the runtime that runs it; where that one cannot run here, its exports are built and
            checked and end as *unmeasured*.
        format: Id of the format that an export of it ends in.
        precisions: The techniques that lead to each precision, in their order. Conversions with ``bridges``
            that the model needs before, between and behind them are put in; where these alone lead to
            `format`, there is no step.
        default: Precision of an export that names none.
        lacks: Why it has not the precision, as a sentence with the way out, by precision. Those in neither
            mapping are unknown to the target.
        needs: What runs it elsewhere, as a sentence, said where it does not run here.
        guide: What the format guide says of it, by scenario; left out where it does not suit.
        clients: Lines of other languages that load the file.
        order: Smaller ones come first.
    """

    id: str
    name: str
    summary: str
    runtime: str
    format: str
    precisions: Mapping[ExportPrecision, tuple[Step, ...]]
    default: ExportPrecision = ExportPrecision.FP32
    lacks: Mapping[ExportPrecision, str] = field(default_factory=dict)
    needs: str = ""
    guide: Mapping[Scenario, Advice] = field(default_factory=dict)
    clients: tuple[Client, ...] = ()
    order: int = 100
