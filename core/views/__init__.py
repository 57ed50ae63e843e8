"""Read-only rows for the pages and the command line."""

from core.insights.counterfactuals import Counterfactual
from core.insights.tradeoffs import Tradeoff
from core.views.accuracy import (
    Average,
    ClassRow,
    HardSample,
    averages,
    class_name,
    class_rows,
    details,
    hard_samples,
    was_lost,
    worst_classes,
)
from core.views.advice import Advice, Scenario, advise
from core.views.candidate import CandidateView, explain
from core.views.commands import command_for, python_for, watch_command, watch_python
from core.views.curves import Curve, training_curves
from core.views.deployment import ServiceView, service_view
from core.views.dominated import why_dominated
from core.views.findings import findings_of
from core.views.graph import GraphView, drawing, graph_view
from core.views.history import Highlights, RunSummary, best_of, highlights, runs
from core.views.layer_times import baseline_profile, layer_times
from core.views.learn import Seen, Topic, Topics, own_figures, topic_id, topics
from core.views.log import LogLine, event_log
from core.views.machine import ClusterView, MachineView, machine, measuring_kinds
from core.views.model import ModelView, TechniqueRow, model_view
from core.views.origins import Origin, origins
from core.views.pairs import Pair, common, difference, faster, quotient, truer, unlike
from core.views.path import Found, path
from core.views.remedies import Remedy, remedy
from core.views.report import report
from core.views.results import results, run_archive
from core.views.rows import Row, agreement_name, ties
from core.views.run import (
    Progress,
    Quality,
    RunView,
    expected_quality,
    expected_scale,
    refreshed,
    run_view,
)
from core.views.samples import Balance, Sample, class_balance, first_samples, samples_of
from core.views.storage import Storage, storage
from core.views.tradeoffs import tradeoffs, what_if

__all__ = [
    "Advice",
    "Average",
    "Balance",
    "CandidateView",
    "ClassRow",
    "ClusterView",
    "Counterfactual",
    "Curve",
    "Found",
    "GraphView",
    "HardSample",
    "Highlights",
    "LogLine",
    "MachineView",
    "ModelView",
    "Origin",
    "Pair",
    "Progress",
    "Quality",
    "Remedy",
    "Row",
    "RunSummary",
    "RunView",
    "Sample",
    "Scenario",
    "Seen",
    "ServiceView",
    "Storage",
    "TechniqueRow",
    "Topic",
    "Topics",
    "Tradeoff",
    "advise",
    "agreement_name",
    "averages",
    "baseline_profile",
    "best_of",
    "class_balance",
    "class_name",
    "class_rows",
    "command_for",
    "common",
    "details",
    "difference",
    "drawing",
    "event_log",
    "expected_quality",
    "expected_scale",
    "explain",
    "faster",
    "findings_of",
    "first_samples",
    "graph_view",
    "hard_samples",
    "highlights",
    "layer_times",
    "machine",
    "measuring_kinds",
    "model_view",
    "origins",
    "own_figures",
    "path",
    "python_for",
    "quotient",
    "refreshed",
    "remedy",
    "report",
    "results",
    "run_archive",
    "run_view",
    "runs",
    "samples_of",
    "service_view",
    "storage",
    "ties",
    "topic_id",
    "topics",
    "tradeoffs",
    "training_curves",
    "truer",
    "unlike",
    "was_lost",
    "watch_command",
    "watch_python",
    "what_if",
    "why_dominated",
    "worst_classes",
]
