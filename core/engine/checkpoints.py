"""Checkpoint folders of passes that train: one for each artifact, until that is built."""

from __future__ import annotations

import os
import time
from pathlib import Path

from core.sandbox.removal import remove_tree
from core.store.private import private_folder
from core.store.store import Store

KEPT_S = 14 * 86_400.0
"""What nobody went on with for so long is removed."""


def checkpoint_folder(store: Store, artifact_id: str) -> Path:
    """Return the folder in which the training of an artifact keeps its state; it exists.

    What lies there was written by a confined process: only confined processes may read it. A state at the
    shared store, of a training that was begun on a cluster, is fetched where there is none here.
    """
    folder = private_folder(private_folder(store.folder / "checkpoints") / artifact_id)
    os.utime(folder)
    states = store.blobs.states
    if states is not None and not any(folder.iterdir()):
        states.fetch(artifact_id, folder)
    return folder


def forget_checkpoints(store: Store, artifact_id: str) -> None:
    """Remove the state of a training: its artifact is kept."""
    remove_tree(store.folder / "checkpoints" / artifact_id)
    if (states := store.blobs.states) is not None:
        states.forget(artifact_id)


def sweep_checkpoints(store: Store, kept_s: float = KEPT_S) -> None:
    """Remove the state of trainings that nobody went on with."""
    folder = private_folder(store.folder / "checkpoints")
    for each in folder.iterdir():
        # When it was last begun, or a file was put in place: the one time that no process can set.
        if each.lstat().st_ctime < time.time() - kept_s:
            forget_checkpoints(store, each.name)
    if (states := store.blobs.states) is not None:
        states.sweep(kept_s)
