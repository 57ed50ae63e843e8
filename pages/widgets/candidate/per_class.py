"""Figures per class and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.accuracy_detail import AccuracyDetail, Answers
from core.views import CandidateView, ClassRow, class_name, class_rows
from pages import format as fmt
from pages.figures import confusion_figure, palette
from pages.widgets.page import dark
from pages.widgets.plot import plot
from pages.widgets.table import height_of

MOST_CONFUSED = 40
UNITS = {Answers.CLASSES: "Samples", Answers.PLACES: "Places", Answers.DETECTIONS: "Boxes"}
TOO_FEW = "too few samples"


def names_of(view: CandidateView) -> Sequence[str]:
    """Return the names of the classes, as far as the data know them."""
    return view.run.data.classes if view.run.data is not None else ()


def per_class(view: CandidateView, found: AccuracyDetail) -> None:
    """Draw the table of classes beside the confusion matrix."""
    if found.classes is None and found.confusion is None:
        return
    st.subheader("By class", anchor=False)
    if found.confusion is None or found.classes is None or found.total_classes > 20:
        _table(view, found)
        _confusion(view, found)
        return
    left, right = st.columns([6, 5], gap="large")
    with left:
        _table(view, found)
    with right:
        _confusion(view, found)


def _table(view: CandidateView, found: AccuracyDetail) -> None:
    rows = class_rows(found, names_of(view))
    if not rows:
        return
    shown = {
        "Class": [row.name for row in rows],
        UNITS.get(found.answers, "Samples"): [row.support for row in rows],
        "Precision": [row.precision for row in rows],
        "Recall": [row.recall for row in rows],
        "F1": [row.f1 for row in rows],
    }
    if view.row.candidate.position:
        shown["Recall change"] = [_points(row) for row in rows]
        shown["95 % interval"] = [_range(row, found) for row in rows]
    share = {name: st.column_config.NumberColumn(format="%.1f %%") for name in ("Precision", "Recall", "F1")}
    change = st.column_config.NumberColumn(
        format="%+.1f", help="Of the share of its samples that are found, against the baseline, in points."
    )
    st.dataframe(
        shown,
        hide_index=True,
        height=height_of(len(rows)),
        column_config={**share, "Recall change": change},
        alt="Precision, recall and F1 of each class",
    )


def _points(row: ClassRow) -> float | None:
    if row.recall is None or row.base_recall is None:
        return None
    return row.recall - row.base_recall


def _range(row: ClassRow, found: AccuracyDetail) -> str:
    if row.change is not None:
        return f"{fmt.signed(row.change.low)}…{fmt.signed(row.change.high)}"
    return TOO_FEW if found.answers is Answers.CLASSES else fmt.NONE


def _confusion(view: CandidateView, found: AccuracyDetail) -> None:
    matrix = found.confusion
    if matrix is None:
        return
    names = names_of(view)
    down = "Label" if found.labelled else "Baseline's answer"
    cells = list(zip(matrix.labels, matrix.answers, matrix.counts, strict=True))
    if matrix.whole:
        order = range(found.total_classes)
        figure = confusion_figure(
            {(row, column): count for row, column, count in cells},
            [class_name(each, names) for each in order],
            palette(dark()),
            down=down,
        )
        plot(figure, key="confusion", alt="Confusion matrix")
        return
    if not cells:
        st.caption("No class is taken for another.")
        return
    st.markdown(f"**The most frequent confusions** of {found.total_classes:,} classes")
    st.dataframe(
        {
            down: [class_name(row, names) for row, _, _ in cells[:MOST_CONFUSED]],
            "Answer": [class_name(column, names) for _, column, _ in cells[:MOST_CONFUSED]],
            UNITS.get(found.answers, "Samples"): [count for _, _, count in cells[:MOST_CONFUSED]],
        },
        hide_index=True,
        height=height_of(min(len(cells), 10)),
        alt="The most frequent confusions",
    )
