"""Report of a run: one HTML file that is complete in itself, and the same figures as CSV and Markdown.

It needs no Streamlit, so that the command line writes it, too.
"""

from __future__ import annotations

from collections.abc import Callable

from core.store.store import Store
from core.views import RunView, report
from pages.report.csv_table import csv_table
from pages.report.html_page import html_page

KINDS: dict[str, Callable[[Store, RunView], str]] = {
    "html": html_page,
    "csv": lambda _, view: csv_table(view),
    "md": lambda _, view: report(view),
}
"""What writes a report, by the extension of its file."""

__all__ = ["KINDS", "csv_table", "html_page"]
