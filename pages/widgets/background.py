"""Work that a person asks for on a page, and that goes on while the page is left: one for each key."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st

from core.errors import Cancelled, WhetstoneError
from core.work.stop import Stop
from core.work.unit import Progress
from pages import format as fmt
from pages.widgets.page import show_error

POLL_S = 1.0


@dataclass
class Task:
    """Work in progress.

    Attributes:
        said: What it does now.
        share: Done so far, 0 to 1.
        error: Why it failed.
        over: Set when it ended.
        stop: Ends it early.
    """

    said: str = "Waiting for its turn"
    share: float = 0.0
    error: WhetstoneError | None = None
    over: threading.Event = field(default_factory=threading.Event)
    stop: Stop = field(default_factory=Stop)

    def hear(self, progress: Progress) -> None:
        """Take note of how far it is."""
        self.said = progress.message or self.said
        self.share = progress.share if progress.share is not None else self.share


@st.cache_resource(show_spinner=False)
def _tasks() -> dict[str, Task]:
    return {}


def start(key: str, work: Callable[[Callable[[Progress], None], Stop], object]) -> None:
    """Begin `work` in a thread of its own, unless that of this key is going on.

    Args:
        key: Of the work.
        work: Is given whom to tell how far it is, and what stops it.
    """
    tasks = _tasks()
    if key in tasks and not tasks[key].over.is_set():
        return
    task = tasks[key] = Task()

    def do() -> None:
        try:
            work(task.hear, task.stop)
        except Cancelled:
            pass  # whoever cancelled it knows
        except WhetstoneError as error:
            task.error = error
        finally:
            task.over.set()

    threading.Thread(target=do, name=key, daemon=True).start()


def going_on(key: str) -> bool:
    """Whether the work of this key is going on; its progress is drawn, and its failure once it ended."""
    task = _tasks().get(key)
    if task is None:
        return False
    if not task.over.is_set():
        _watch(task, key)
        return True
    if task.error is not None:
        show_error(task.error)
    return False


@st.fragment(run_every=POLL_S)
def _watch(task: Task, key: str) -> None:
    """Draw the progress and a way to end it until the work is over, then draw the page anew."""
    if task.over.is_set():
        st.rerun()
    stopped = task.stop.event.is_set()
    said = "Cancelling…" if stopped else f"{task.said[:1].upper()}{task.said[1:]}…"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, task.share), fmt.plain(said))
        st.button(
            "Cancel", icon=":material/close:", type="tertiary", key=f"{key}_cancel", disabled=stopped,
            on_click=task.stop.set, help="It is being cancelled." if stopped else None,
        )  # fmt: skip
