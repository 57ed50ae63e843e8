"""Download buttons: the server prepares the file, says when it is ready, and streams it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from urllib.parse import quote

import streamlit as st

from core.registry import get_packager, packagers
from core.search.spelling import spell_packager
from pages.widgets.component import component, route
from pages.widgets.params import params_form

_component = component("downloader")


def download_kit(candidate_id: str, *, key: str, quiet: bool = False) -> None:
    """Draw the button for the kit of a finished candidate, `quiet` where it is one of many."""
    first = next(iter(packagers()))
    _draw("Download kit", f"download/{candidate_id}/{first}", key, quiet)


def download_others(candidate_id: str, packager_ids: Sequence[str]) -> None:
    """Draw a button for each further kind of download, behind its parameters where it has any.

    Services have a page of their own.
    """
    others = (get_packager(each) for each in packager_ids if each != next(iter(packagers())))
    for packager in (each for each in others if not each.deploys):
        address, key = f"download/{candidate_id}", f"download_{packager.id}"
        if not fields(packager.Params):
            _draw(packager.name, f"{address}/{packager.id}", key, quiet=True)
            continue
        with st.popover(packager.name, type="tertiary", icon=":material/download:", key=f"set_{packager.id}"):
            st.caption(packager.summary)
            params = params_form(packager.Params, key=f"params_{packager.id}")
            spelled = quote(spell_packager(packager.id, params), safe="")
            _draw(f"Download {packager.name}", f"{address}/{spelled}", key)


def download_service(candidate_id: str, spelled: str, name: str) -> None:
    """Draw the button for a service, whose kind and options are spelled."""
    _draw(f"Download {name}", f"download/{candidate_id}/{quote(spelled, safe='')}", f"service_{spelled}")


def download_model(candidate_id: str, *, key: str) -> None:
    """Draw the button for the bare model file of a finished candidate."""
    _draw("Model file only", f"download-model/{candidate_id}", key, quiet=True)


def download_run(run_id: str, *, key: str) -> None:
    """Draw the button for all models of a run at once."""
    _draw("All models (zip)", f"download-run/{run_id}", key, quiet=True)


def _draw(label: str, address: str, key: str, quiet: bool = False) -> None:
    _component(key=key, width="content", data={"label": label, "url": route(address), "quiet": quiet})
