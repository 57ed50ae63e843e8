"""A button that downloads a kit: the server builds it, says when it is ready, and streams it."""

from __future__ import annotations

from pages.widgets.component import component, route

_component = component("downloader")


def download_kit(candidate_id: str, *, key: str) -> None:
    """Draw the download button of a finished candidate."""
    _component(
        key=key, width="content", data={"label": "Download kit", "url": route(f"download/{candidate_id}")}
    )
