"""Model inspection: the format of an upload by its content, and its description."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from core import registry
from core.complaints import complaint
from core.errors import CorruptFile, UnrecognizedFile, WhetstoneError
from core.protocols import Inspection, InspectOptions, Source
from core.sources.unsupported import refusal


def recognize(path: Path) -> Source:
    """Return the source that claims the content of `path`; nothing in it is run.

    Raises:
        UnrecognizedFile: None does; the message says what the file seems to be.
        CorruptFile: It is too damaged to tell.
    """
    if not path.is_file():
        raise UnrecognizedFile(f"There is no file {path.name!r}.", hint="Give the path of one model file.")
    for source in registry.sources().values():
        if _claims(source, path):
            return source
    raise refusal(path)


def _claims(source: Source, path: Path) -> bool:
    try:
        return source.recognizes(path)
    except (WhetstoneError, MemoryError):
        raise
    except Exception as error:
        raise CorruptFile(
            f"The file may be {source.name}, but it is damaged: {complaint(error)}.",
            hint="Export or download it again.",
        ) from error


def inspect_upload(path: Path, folder: Path, options: InspectOptions) -> Inspection:
    """Describe the model at `path`, chosen by content alone; kept files lie below `folder`.

    Loads the model and runs it: call it in a confined process.

    Raises:
        InputError: The file is unknown, corrupt, unsafe, or cannot be worked with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = recognize(path)
    try:
        return source.inspect(path, folder, options)
    except (WhetstoneError, MemoryError):
        raise
    except Exception as error:
        if "bad_alloc" in str(error) or "can't allocate memory" in str(error):
            raise
        if os.strerror(errno.ENOSPC) in str(error):
            raise
        raise CorruptFile(
            f"The file looks like {source.name} but cannot be read: {complaint(error)}.",
            hint="Export or download it again; if it runs elsewhere, this is a fault of Whetstone.",
        ) from error
