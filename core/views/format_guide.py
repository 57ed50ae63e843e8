"""Format guide: which format for which place to deploy, for one model and by what was measured of it here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from core.datasets.build import RANDOM
from core.domain.export import Export, ExportPrecision, Scenario
from core.domain.model import DataSet
from core.domain.run import CandidateStatus, Limits
from core.insights.amounts import time_words
from core.insights.judgement import judge
from core.metrics.choice import chosen, usual_drop
from core.protocols import Advice
from core.views.exports import ExportRow, TargetRow, export_rows, target_rows
from core.views.remedies import OUT_OF_TIME
from core.views.run import RunView


@dataclass(frozen=True)
class Answer:
    """What the guide recommends in one scenario.

    Attributes:
        scenario: Where the model is to run.
        export: Format and precision.
        name: Of both, for people.
        why: Why this one, in sentences: what is known of it there, and why others were passed over.
        needs: What it needs there.
        measured: What was measured of it here, in a sentence.
        row: That export; None where it was not built yet.
    """

    scenario: Scenario
    export: Export
    name: str
    why: str
    needs: str
    measured: str
    row: ExportRow | None = None


def format_guide(
    rows: Sequence[TargetRow], built: Sequence[ExportRow], limits: Limits, data: DataSet | None
) -> tuple[Answer, ...]:
    """Return the recommended format of every scenario for which there is one.

    The target of the best rank that takes the model is recommended, in the first precision that suits there.
    What was tried and failed, or lost more than the limits allow, is passed over; so is what needs data for
    its ranges where there is none.

    Args:
        rows: Every target with what it can make of the model.
        built: What came of exports.
        limits: What a recommended export respects.
        data: To find ranges on; random inputs are none for that.
    """
    # One with options tells of its precision where it was built and the plain one was not.
    known = {each.export.plain: each for each in built if each.built and each.export.options}
    known |= {each.export: each for each in built if not each.export.options}
    real = data is not None and data.origin != RANDOM
    answers = (_answer(scenario, rows, known, limits, real) for scenario in Scenario)
    return tuple(each for each in answers if each is not None)


def _answer(
    scenario: Scenario,
    rows: Sequence[TargetRow],
    built: Mapping[Export, ExportRow],
    limits: Limits,
    data: bool,
) -> Answer | None:
    suiting = [(each.target.guide[scenario], each) for each in rows if scenario in each.target.guide]
    passed = []
    for advice, row in sorted(suiting, key=lambda pair: pair[0].rank):
        for precision in _possible(advice, row, data):
            export = Export(row.target.id, precision)
            found = built.get(export)
            if why_not := _beaten(found, limits):
                passed.append(f"{row.target.name} in {precision.label} was passed over: {why_not}.")
                continue
            why = " ".join([advice.why, *passed[:2]])
            name = f"{row.target.name} · {precision.label}"
            return Answer(scenario, export, name, why, advice.needs, _measured(found, row), found)
        if not row.possible:
            passed.append(f"{row.target.name} cannot take this model.")
    return None


def _possible(advice: Advice, row: TargetRow, data: bool) -> Iterator[ExportPrecision]:
    """Yield the precisions that suit and that the model can be brought to, the best first."""
    there = {each.precision: each for each in row.precisions if each.possible and (data or not each.fits)}
    wanted = advice.precisions or tuple(row.target.precisions)
    yield from (each for each in wanted if each in there)
    if not set(wanted) & set(there):
        yield from there


def _beaten(found: ExportRow | None, limits: Limits) -> str:
    """Return why an export is not to be recommended; nothing where nothing speaks against it."""
    if found is None:
        return ""
    candidate = found.row.candidate
    if candidate.status is CandidateStatus.FAILED:
        return "it failed here"
    late = candidate.error is not None and candidate.error.code in OUT_OF_TIME
    if candidate.status is CandidateStatus.SKIPPED and not late:
        return "it does not take this model"
    if candidate.result is None:
        return ""
    verdict = judge(candidate.result, limits)
    return "" if verdict.meets else verdict.violations[0]


def _measured(found: ExportRow | None, row: TargetRow) -> str:
    if found is None or not found.built:
        return (
            "Not exported yet." if row.runs_here else "Not exported yet; it is built here and runs elsewhere."
        )
    size = f"{(found.row.size_bytes or 0) / 1e6:,.2f} MB"
    result = found.row.candidate.result
    if result is None:
        return f"Built here, {size}; it runs elsewhere."
    if found.as_uploaded:
        return f"It is your model as it is: {time_words(result.timing.latency.p50)}, {size}."
    speed = result.timing.speedup.value
    told = [f"{time_words(result.timing.latency.p50)}, {speed:.2f}x the speed of your model", size]
    if result.accuracy is not None:
        scale, change = result.accuracy.scale, result.accuracy.change.value
        told.append(f"{scale.name} {scale.words(result.accuracy.value, 2)} ({scale.difference(change)})")
    elif (agreement := result.fidelity.top1_agreement) is not None:
        told.append(f"{agreement.value:.1f} % equal answers")
    return f"{', '.join(told)}."


def run_guide(view: RunView) -> tuple[Answer, ...]:
    """Return the format guide by what a run of exports found."""
    return format_guide(target_rows(view.model), export_rows(view), guide_limits(view), view.data)


def guide_limits(view: RunView) -> Limits:
    """Return the limits of a run; where none is on the drop, one that hardly matters."""
    asked = view.run.request
    if asked.limits.max_drop is not None:
        return asked.limits
    drop = usual_drop(chosen(asked.metric, view.model, view.data), view.data)
    return replace(asked.limits, max_drop=drop)
