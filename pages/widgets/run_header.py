"""Run header: name, status, progress, and cancel or resume."""

from __future__ import annotations

import streamlit as st

from core import engine
from core.domain.measurement import Timing
from core.domain.run import RunStatus
from core.registry import passes
from core.views import Progress, RunSummary, RunView, best_of, runs
from pages import format as fmt
from pages.widgets.page import errors_as_words, show_error, store
from pages.widgets.status import run_badge

RECENT = 50
BUSY = 1.5


def _facts(view: RunView) -> str:
    request = view.run.request
    data = (
        f"{fmt.plain(view.data.name)} ({view.data.evaluation_samples} samples)"
        if view.data
        else "random inputs, no labels"
    )
    parts = [
        f":material/deployed_code: {fmt.plain(view.model.name)}",
        f":material/dataset: {data}",
        f"{fmt.plural(request.threads, 'thread')}, batch {request.batch}",
        f"started {fmt.ago(view.run.created)}",
    ]
    return "  ·  ".join(parts)


def _load(timing: Timing) -> float:
    return max(timing.environment.load_before, timing.environment.load_after)


def _busy(view: RunView) -> None:
    """Say that the machine was busy, where the load was more than building and measuring alone bring."""
    results = [row.candidate.result for row in view.candidates]
    timings = [result.timing for result in results if result is not None]
    disturbed = [each for each in timings if each.crowded or _load(each) > BUSY * each.environment.cores]
    if disturbed:
        count = f"{len(disturbed)} of {fmt.plural(len(timings), 'measurement')}"
        load = f"load up to {max(map(_load, disturbed)):.1f} on {timings[0].environment.cores} cores"
        if taken := max(each.taken for each in disturbed):
            load += f", up to {taken:.0%} of the measured cores' time taken by other programs"
        st.caption(
            f":orange[:material/warning:] The machine was busy during {count} ({load}). Close other programs "
            "and run again for figures that hold."
        )


def title(view: RunView) -> None:
    """Draw the run's name with its state."""
    st.markdown(f"## {fmt.plain(view.run.name)} {run_badge(view.run.status)}", anchors=False)
    st.caption(_facts(view))
    if view.run.imported:
        where = f"Measured elsewhere, on {fmt.plain(view.run.imported)}, and imported: "
        st.caption(f":material/move_to_inbox: {where}hold it against runs of this machine by speed-ups only.")
    _busy(view)


def result_of(run: RunSummary) -> str:
    """Return in markdown what a run recommends, or why there is nothing."""
    best = best_of(store(), run)
    if best:
        return fmt.plain(best)
    return "nothing within its limits" if run.status is RunStatus.DONE else "no result yet"


def _left(view: RunView) -> str:
    progress = view.progress
    budget = view.run.request.budget_s
    if progress.remaining_s is None:
        return "estimating"
    text = f"{fmt.roughly(progress.remaining_s)} left"
    return f"{text}, budget {fmt.duration(budget)}" if budget else text


def stage_of(stage: str) -> str:
    """Return what the worker does in words, with the names of techniques instead of their ids."""
    for technique in passes().values():
        stage = stage.replace(technique.id, technique.name)
    return stage[:1].upper() + stage[1:]


def _waiting(view: RunView) -> str:
    """Return what a run that has not begun waits for."""
    before = [each for each in runs(store(), RECENT) if each.status is RunStatus.RUNNING]
    if view.run.status is RunStatus.QUEUED and before:
        return f"In line behind {fmt.plain(before[0].name)}: one run at a time, so that none disturbs another"
    return "Waiting for the worker"


def without_result(progress: Progress) -> str:
    """Return how many candidates ended without figures, to go behind the count of all that ended."""
    return f", {progress.failed} without a result" if progress.failed else ""


def _count(progress: Progress) -> str:
    """Return how many candidates there are, and how many may come at most."""
    return (
        f"{progress.total} (up to {progress.total + progress.more})" if progress.more else str(progress.total)
    )


def progress_bar(view: RunView) -> None:
    """Draw stage, count, elapsed time and estimate of an active run."""
    progress = view.progress
    stage = fmt.plain(stage_of(progress.stage)) or _waiting(view)
    text = (
        f"**{stage}** · {progress.done} of {_count(progress)} candidates{without_result(progress)} · "
        f"{fmt.duration(progress.elapsed_s)} elapsed · {_left(view)}"
    )
    st.progress(min(1.0, progress.done / max(1, progress.total + progress.more)), text=text)


def pause_button(view: RunView) -> None:
    """Draw Pause; the step that is going on comes to its end before."""
    asked, ends = view.pausing, view.run.cancel_requested
    reason = "It pauses after the step that is going on. Cancel stops it at once." if asked else None
    st.button(
        "Pausing" if asked else "Pause",
        icon=":material/pause_circle:",
        disabled=asked or ends,
        help=reason or ("It is being cancelled." if ends else "Stops after this step; Resume goes on there."),
        key="pause_run",
        width="stretch",
        on_click=_pause,
        args=(view.run.id,),
    )


def _pause(run_id: str) -> None:
    with errors_as_words():
        engine.pause(store(), run_id)


def cancel_button(view: RunView) -> None:
    """Draw Cancel; what is measured stays."""
    asked = view.run.cancel_requested
    # A callback comes before the page may draw itself anew, since the run moved: that forgets clicks.
    st.button(
        "Cancelling" if asked else "Cancel",
        icon=":material/stop_circle:",
        disabled=asked,
        key="cancel_run",
        width="stretch",
        on_click=_cancel,
        args=(view.run.id,),
    )


def _cancel(run_id: str) -> None:
    with errors_as_words():
        engine.cancel(store(), run_id)


def _resume(view: RunView, text: str, icon: str) -> None:
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.warning(text, icon=f":material/{icon}:")
    if right.button(
        "Resume", icon=":material/play_arrow:", type="primary", key="resume_run", width="stretch"
    ):
        with errors_as_words():
            engine.resume(store(), view.run.id)
            st.rerun()


def outcome(view: RunView) -> None:
    """Say how a run ended when it did not simply finish, and offer to resume it."""
    status, done = view.run.status, view.progress.done
    kept = f"{done} of {fmt.plural(view.progress.total, 'candidate')} finished; nothing of that is lost."
    if done == 0:
        kept = "Nothing had been measured yet."
    if status is RunStatus.FAILED:
        if view.run.error is not None:
            show_error(view.run.error)
        _resume(view, f"The run stopped. {kept}", "error")
    elif status is RunStatus.INTERRUPTED:
        _resume(view, f"The worker stopped before the end. {kept}", "power_off")
    elif status is RunStatus.PAUSED:
        _resume(view, f"You paused this run. {kept}", "pause_circle")
    elif status is RunStatus.CANCELLED:
        _resume(view, f"You cancelled this run. {kept}", "cancel")
