"""Safety check of a built model's files, as of an upload, before they are kept or handed on.

Whoever made them had opened a stranger's model, so it may have been taken over and left anything.
"""

from __future__ import annotations

from pathlib import Path

from core.errors import UnsafeUpload
from core.formats.built import HOSTILE
from core.registry import get_format
from core.work.unit import Check, Done, Job, Kind


def check_artifact(format_: str, files: tuple[Path, ...]) -> None:
    """Refuse files that are not what `format_` says, or that could harm who opens them.

    Args:
        format_: As in `core.domain.recipe.Artifact`.
        files: All files, the one to open first; folders below that one's belong to it.

    Raises:
        InvalidRequest: There is no such format here.
        UnsafeUpload: They would run code, reach out of their folder, or hold what does not belong to them.
        CorruptFile: They are truncated or broken.
    """
    path = files[0]
    known = {path, *get_format(format_).check(path)}
    strays = [file.name for file in files if file not in known]
    if strays:
        raise UnsafeUpload(
            f"Beside the {format_} model lies {strays[0]!r}, which does not belong to it.", hint=HOSTILE
        )


def check(request: Check, _: Job) -> Done[None]:
    """Check artifacts.

    Raises:
        InputError: As `check_artifact` does.
    """
    for each in request.artifacts:
        check_artifact(each.format, each.files)
    return Done(None)


UNIT = Kind(__name__, "check", Check, type(None), check)
