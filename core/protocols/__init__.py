"""Every extension contract. One implementation is one file that exports one constant.

    core/sources/*.py     SOURCE     one upload format           -> SourceModel
    core/datasets/*.py    DATASET    one data format             -> arrays
    core/formats/*.py     FORMAT     one form of a model's files
    core/passes/*.py      PASS       one technique               artifact -> artifact
    core/runtimes/*.py    RUNTIME    one way to run an artifact
    core/targets/*.py     TARGET     one deployment format to export to
    core/packagers/*.py   PACKAGER   one kind of download
    core/metrics/*.py     METRIC     one way to hold outputs against labels
    core/search/strategies/*.py   STRATEGY   one way to choose what to try next
    core/insights/findings/*.py   DIAGNOSTIC one reason why a candidate is not faster or as accurate

Everything known of an extension stands in its own file: what it needs, what it costs, when it is worth a try,
how it explains itself. Modules are imported by the page's process too: heavy libraries are imported inside
functions. Sources, data sets, formats, passes and sessions do their work only in confined child processes.
"""

from __future__ import annotations

from core.protocols.artifacts import Array, Feed, LocalArtifact
from core.protocols.availability import Availability, availability
from core.protocols.datasets import DataFormat, Prepared
from core.protocols.diagnostics import Case, Diagnostic
from core.protocols.formats import Format
from core.protocols.ideas import Idea
from core.protocols.metrics import Block, Judged, LabelledOutput, Metric, Paired
from core.protocols.packagers import Package, Packager
from core.protocols.passes import Opener, Pass, PassContext, Trainer
from core.protocols.runtimes import (
    ClockedCall,
    ProfilingSession,
    Runtime,
    Session,
    Tensor,
    TensorSession,
)
from core.protocols.services import Dialect, Sent
from core.protocols.sources import Inspection, InspectOptions, Source
from core.protocols.strategies import SearchContext, Strategy
from core.protocols.targets import Advice, Client, ExportTarget
from core.protocols.training import Training, TrainingRows

__all__ = [
    "Advice",
    "Array",
    "Availability",
    "Block",
    "Case",
    "Client",
    "ClockedCall",
    "DataFormat",
    "Diagnostic",
    "Dialect",
    "ExportTarget",
    "Feed",
    "Format",
    "Idea",
    "InspectOptions",
    "Inspection",
    "Judged",
    "LabelledOutput",
    "LocalArtifact",
    "Metric",
    "Opener",
    "Package",
    "Packager",
    "Paired",
    "Pass",
    "PassContext",
    "Prepared",
    "ProfilingSession",
    "Runtime",
    "SearchContext",
    "Sent",
    "Session",
    "Source",
    "Strategy",
    "Tensor",
    "TensorSession",
    "Trainer",
    "Training",
    "TrainingRows",
    "availability",
]
