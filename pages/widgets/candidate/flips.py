"""Gallery of the samples that flip: with pictures for images, with values for others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core import views
from core.domain.accuracy_detail import AccuracyDetail, Flips, Worst
from core.domain.model import DataSet, SourceModel
from core.errors import WhetstoneError
from core.views import CandidateView, HardSample, Sample, class_name, hard_samples, was_lost
from pages import format as fmt
from pages.widgets.candidate.per_class import names_of
from pages.widgets.page import store
from pages.widgets.table import height_of

AT_ONCE = 12
LOST, WON, HARD, DIFFERENT, WORST = "right → wrong", "wrong → right", "hard samples", "different", "worst"


def gallery(view: CandidateView, found: AccuracyDetail) -> None:
    """Draw the samples that flip, those that are hard for all candidates, or those that lost most."""
    choices = _choices(view, found)
    if not choices:
        return
    st.subheader(_title(found), anchor=False)
    flips = found.flips
    if flips is not None and flips.total > len(flips.index):
        st.caption(f"The {len(flips.index):,} of {flips.total:,} that the baseline was most confident of.")
    if not any(choices.values()):
        st.markdown("None: every answer is as right or as wrong as the baseline's.")
        return
    names = [name for name, samples in choices.items() if samples]
    labels = {name: f"{name} ({len(choices[name]):,})" for name in names}
    key = f"{view.row.id}_flips"
    picked = names[0]
    if len(names) > 1:
        told = st.segmented_control(
            "Which",
            names,
            default=names[0],
            format_func=labels.__getitem__,
            key=key,
            label_visibility="collapsed",
        )
        picked = told or names[0]
    _page(view, choices[picked], f"{key}_{picked}")


def _title(found: AccuracyDetail) -> str:
    if found.flips is not None:
        return "Samples that flip"
    return (
        "Samples that lost most"
        if found.labelled
        else f"Samples that differ most in {fmt.plain(found.output)}"
    )


Entry = tuple[int, tuple[str, ...]]
"""A sample and the lines below its picture."""


def _choices(view: CandidateView, found: AccuracyDetail) -> dict[str, list[Entry]]:
    """Return the samples to choose from by what they are."""
    choices: dict[str, list[Entry]] = {}
    flips, position = found.flips, view.row.candidate.position
    if flips is not None and position:
        entries = _entries(flips, names_of(view))
        if flips.labels:
            choices[LOST] = [entry for at, entry in enumerate(entries) if was_lost(flips, at)]
            choices[WON] = [entry for at, entry in enumerate(entries) if not was_lost(flips, at)]
        else:
            choices[DIFFERENT] = entries
    if flips is not None:
        hard = hard_samples(store(), view.run)
        choices[HARD] = [
            _hard(each, labelled=found.labelled) for each in hard if len(each.lost) > 1 or not position
        ]
    if found.worst is not None and position:
        choices[WORST] = _worst(found.worst)
    return choices


def _entries(flips: Flips, names: Sequence[str]) -> list[Entry]:
    def told(answers: Sequence[int], sure: Sequence[float], at: int) -> str:
        name = fmt.plain(class_name(answers[at], names))
        return f"{name} ({100 * sure[at]:.0f} %)" if sure else name

    found = []
    for at, index in enumerate(flips.index):
        label = (f"Label: **{fmt.plain(class_name(flips.labels[at], names))}**",) if flips.labels else ()
        was = f"Original: {told(flips.base_answers, flips.base_confidence, at)}"
        now = f"Candidate: {told(flips.answers, flips.confidence, at)}"
        found.append((index, (*label, was, now)))
    return found


def _hard(each: HardSample, *, labelled: bool) -> Entry:
    verb = "wrong in" if labelled else "different in"
    lines = [f"{verb} {fmt.plural(len(each.lost), 'candidate')}"] if each.lost else []
    lines += [f"newly right in {len(each.won)}"] if each.won else []
    return each.index, tuple(lines)


def _worst(found: Worst) -> list[Entry]:
    was = found.base_values
    return [
        (
            index,
            (
                f"{found.measure}: **{fmt.number(found.values[at])}**",
                *([f"Original: {fmt.number(was[at])}"] if was else []),
            ),
        )
        for at, index in enumerate(found.index)
    ]


@st.fragment
def _page(view: CandidateView, entries: list[Entry], key: str) -> None:
    """Draw some samples at a time."""
    pages = (len(entries) - 1) // AT_ONCE + 1
    number = 1
    if pages > 1:
        number = int(st.pagination(pages, key=f"{key}_page"))
    shown = entries[AT_ONCE * (number - 1) : AT_ONCE * number]
    samples = _samples(view, [index for index, _ in shown])
    if any(sample.picture for sample in samples.values()):
        _pictures(shown, samples)
    else:
        _rows(shown, samples)


def _pictures(shown: Sequence[Entry], samples: dict[int, Sample]) -> None:
    with st.grid(6, min_column_width=140):
        for index, lines in shown:
            with st.container(border=True, gap="xsmall"):
                sample = samples.get(index)
                if sample is not None and sample.picture:
                    st.image(sample.picture, width="stretch", alt=f"Sample {index}")
                st.markdown("  \n".join((f":gray[#{index}]", *lines)))


def _rows(shown: Sequence[Entry], samples: dict[int, Sample]) -> None:
    lines = [[line.replace("**", "") for line in lines] for _, lines in shown]
    told: dict[str, list[Any]] = {"Sample": [index for index, _ in shown]}
    for at in range(max(len(each) for each in lines)):
        heads = {each[at].partition(": ")[0] for each in lines if at < len(each) and ": " in each[at]}
        head = heads.pop() if len(heads) == 1 else "Flips" if not at else "And"
        told[head] = [each[at].removeprefix(f"{head}: ") if at < len(each) else "" for each in lines]
    if samples:
        told["First values"] = [_values(samples.get(index)) for index, _ in shown]
    st.dataframe(told, hide_index=True, height=height_of(len(shown)), alt="The samples")


def _values(sample: Sample | None) -> str:
    return "" if sample is None else ", ".join(fmt.number(value) for value in sample.values[:6])


def _samples(view: CandidateView, rows: Sequence[int]) -> dict[int, Sample]:
    """Return what can be shown of samples; nothing where the data are not there any more."""
    data_id = view.run.run.data_id
    data = view.run.data or (store().data.get(data_id) if data_id else None)
    if data is None:
        return {}
    try:
        with st.spinner("Drawing the samples…", show_time=False):
            return _drawn(view.run.model, data, data.id, tuple(rows))
    except WhetstoneError as error:
        st.caption(f":material/image_not_supported: {fmt.plain(error.message)} {fmt.plain(error.hint)}")
        return {}


@st.cache_data(show_spinner=False, max_entries=200, ttl=3600)
def _drawn(_model: SourceModel, _data: DataSet, data_id: str, rows: tuple[int, ...]) -> dict[int, Sample]:
    """Return samples by their row; kept for a while by `data_id`, since each call starts a process."""
    assert _data.id == data_id
    return views.samples_of(store(), _model, _data, rows)
