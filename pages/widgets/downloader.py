"""Download buttons: the server prepares the file, says when it is ready, and streams it."""

from __future__ import annotations

from pages.widgets.component import component, route

_component = component("downloader")


def download_kit(candidate_id: str, *, key: str) -> None:
    """Draw the button for the kit of a finished candidate."""
    _draw("Download kit", f"download/{candidate_id}", key)


def download_model(candidate_id: str, *, key: str) -> None:
    """Draw the button for the bare model file of a finished candidate."""
    _draw("Model file only", f"download-model/{candidate_id}", key, quiet=True)


def download_run(run_id: str, *, key: str) -> None:
    """Draw the button for all models of a run at once."""
    _draw("All models (zip)", f"download-run/{run_id}", key, quiet=True)


def _draw(label: str, address: str, key: str, quiet: bool = False) -> None:
    _component(key=key, width="content", data={"label": label, "url": route(address), "quiet": quiet})
