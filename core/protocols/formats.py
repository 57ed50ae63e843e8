"""Formats of artifacts: what may be known of a model's files without a runtime that opens them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.domain.learn import Learn


@dataclass(frozen=True)
class Format:
    """One form in which a model lies on disk. Which runtimes open it is what these say themselves.

    Attributes:
        id: Stable name, such as ``onnx``; it stands in databases and result files.
        name: For people, with its article where it needs one, such as ``a torch.export program``.
        suffix: Of the file to open, with its dot.
        check: Looks at the file to open and what belongs to it as at an upload, loading nothing, and returns
            the other files that belong to it. Raises `UnsafeUpload` or `CorruptFile`. It runs in a confined
            process of its own, because whoever made the file had opened a stranger's model.
        standalone: Whether the files can be run without code of the model's author.
        machine_bound: Whether the files hold code or plans for the machine that made them: a fingerprint of
            its hardware then enters artifact ids.
        warning: What a person has to know before opening a file of this format, in Markdown.
        learn: What its page under Learn says.
    """

    id: str
    name: str
    suffix: str
    check: Callable[[Path], tuple[Path, ...]]
    standalone: bool = True
    machine_bound: bool = False
    warning: str = ""
    learn: Learn | None = None
