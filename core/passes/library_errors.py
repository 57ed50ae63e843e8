"""Error handling of passes: quiet libraries that write in the pass's folder only, errors in plain words."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

from core.complaints import complaint
from core.errors import PassFailed, WhetstoneError
from core.protocols import LocalArtifact


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    # Some libraries call logging.warning(), which would install a handler for good where there is none.
    root, handler, before = logging.getLogger(), logging.NullHandler(), logging.root.manager.disable
    root.addHandler(handler)
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
        root.removeHandler(handler)


@contextlib.contextmanager
def _temporary_files_in(folder: Path) -> Iterator[Path]:
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(dir=folder, prefix=".work-") as place:
        tempfile.tempdir = place
        try:
            yield Path(place)
        finally:
            tempfile.tempdir = before


@contextlib.contextmanager
def library(what: str, folder: Path, hint: str) -> Iterator[Path]:
    """Run a library's work and give it a folder for temporary files: nothing printed, errors as PassFailed.

    The folder is the current one meanwhile, so paths must be absolute.

    Args:
        what: Whose work it is, such as ``NNCF``, for the message.
        folder: Where the temporary folder may lie; it is gone afterwards.
        hint: What a person can do when it fails.

    Raises:
        PassFailed: The library raised; its last line is the reason.
    """
    printed = io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_silence())
        work = stack.enter_context(_temporary_files_in(folder))
        stack.enter_context(contextlib.chdir(work))  # ONNX Runtime's shape inference writes where it stands
        stack.enter_context(contextlib.redirect_stdout(printed))
        stack.enter_context(contextlib.redirect_stderr(printed))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        try:
            yield work
        except (WhetstoneError, MemoryError):
            raise
        except Exception as error:
            detail = traceback.format_exc() + printed.getvalue()[-4000:]
            said = complaint(error, last=True)
            raise PassFailed(
                f"{what} could not do this with the model: {said}", hint=hint, traceback=detail
            ) from error


def size(artifact: LocalArtifact) -> int:
    """Return the bytes of all files of `artifact`."""
    return sum(file.stat().st_size for file in artifact.files)
