"""Links to the Learn page of a technique, runtime or format."""

from __future__ import annotations

import streamlit as st

from core.domain.recipe import Recipe
from core.registry import passes, runtimes
from core.views import Topics, topic_id, topics

PAGE, TOPIC = "learn.py", "topic"


def learn_link(kind: Topics, id: str, label: str = "") -> None:
    """Draw a link to the page on a technique, runtime or format; nothing where it is not known (any more).

    Args:
        kind: What it is about.
        id: Of the technique, runtime or format.
        label: Its name by default.
    """
    found = topics().get(topic_id(kind, id))
    if found is not None:
        st.page_link(
            PAGE,
            label=label or found.name,
            icon=":material/school:",
            query_params={TOPIC: found.id},
            help=found.summary or None,
        )


def learn_name(kind: Topics, id: str, label: str) -> str:
    """Return `label` as Markdown that opens the page on a technique, runtime or format beside this one.

    Args:
        kind: What it is about.
        id: Of the technique, runtime or format.
        label: Markdown.
    """
    return f"[{label}](learn?{TOPIC}={topic_id(kind, id)})"


def learn_recipe(recipe: Recipe) -> str:
    """Return the techniques and the runtime of a recipe as Markdown, each name a way to the page on it."""
    steps = dict.fromkeys(step.pass_id for step in recipe.steps)
    names = [
        learn_name(Topics.TECHNIQUE, id, passes()[id].name)
        for id in steps
        if id in passes() and topic_id(Topics.TECHNIQUE, id) in topics()
    ]
    runtime = runtimes().get(recipe.target.runtime_id)
    if runtime is not None and topic_id(Topics.RUNTIME, runtime.id) in topics():
        names.append(learn_name(Topics.RUNTIME, runtime.id, runtime.name))
    return " · ".join(names)
