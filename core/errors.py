"""Every error that Whetstone raises on purpose.

WhetstoneError
├── InputError                 what the person gave cannot be used (exit code 2)
│   ├── UnrecognizedFile       no source or dataset format claims the content
│   ├── CorruptFile            a known format, but truncated or broken
│   ├── UnsafeUpload           the file could run code or escape its folder
│   ├── UnsupportedModel       a readable model that Whetstone cannot work with
│   ├── DataMismatch           data and model do not fit each other
│   ├── TooLarge               over a limit that a setting names
│   └── InvalidRequest         options that contradict each other or do not exist
├── PassNotApplicable          a technique cannot apply to this model: a skipped row
├── PassFailed                 a technique was tried and did not deliver: a failed row
├── RuntimeFailed              a runtime refused or broke while running an artifact
├── OutOfTolerance             an export computes something else than the original: a failed row
├── MeasuredElsewhere          nothing here runs the built format: a row without figures
├── BackendMissing             an optional library is absent
├── SandboxUnavailable         the system offers no confinement for uploads
├── ChildCrashed               a working process died
│   └── OutOfMemory            ... for want of memory
├── ChildTimeout               a working process did not answer in time
├── Cancelled                  the person asked to stop
│   └── Paused                 ... after the step that was going on
├── StoreUnusable              the database or the data folder cannot be read or written
└── NotFound                   a run, model, data set or file that is not in the store
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar


@dataclass(frozen=True)
class ErrorRecord:
    """An error as plain values: what rows, JSON and pages show.

    Attributes:
        code: Stable snake_case name of the kind of error.
        message: What happened and why, one or two sentences.
        hint: What to do next; empty where nothing helps.
        stage: Where it happened, such as ``inspect``, ``int8_static_ort`` or ``measure``.
        traceback: Technical detail for a report; never shown unasked.
        instead: Id of a technique that may work where this one does not; empty where none is known.
        figures: What was measured before it was refused, a mapping for each output of an export.
    """

    code: str
    message: str
    hint: str = ""
    stage: str = ""
    traceback: str = ""
    instead: str = ""
    figures: tuple[dict[str, Any], ...] = ()


class WhetstoneError(Exception):
    """Base of all errors a person can meet.

    Args:
        message: What happened and why.
        hint: What the person can do next.
        traceback: Technical detail, for instance of the working process.
        instead: Id of a technique that may work where this one does not.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "", traceback: str = "", instead: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.traceback = traceback
        self.instead = instead

    def to_record(self, stage: str = "") -> ErrorRecord:
        """Return this error as plain values, tagged with the stage it happened in."""
        return ErrorRecord(self.code, self.message, self.hint, stage, self.traceback, self.instead)


class InputError(WhetstoneError):
    """What the person gave cannot be used."""

    code = "input_error"


class UnrecognizedFile(InputError):
    """No format claims the content of the file."""

    code = "unrecognized_file"


class CorruptFile(InputError):
    """A known format, but truncated or broken."""

    code = "corrupt_file"


class UnsafeUpload(InputError):
    """The file could run code or write outside its folder."""

    code = "unsafe_upload"


class UnsupportedModel(InputError):
    """A readable model that Whetstone cannot work with."""

    code = "unsupported_model"


class DataMismatch(InputError):
    """Data and model do not fit each other."""

    code = "data_mismatch"


class TooLarge(InputError):
    """Over a limit that a setting names."""

    code = "too_large"


class InvalidRequest(InputError):
    """Options that contradict each other or do not exist."""

    code = "invalid_request"


class PassNotApplicable(WhetstoneError):
    """A technique cannot apply to this model; the candidate becomes a skipped row."""

    code = "not_applicable"


class PassFailed(WhetstoneError):
    """A technique was tried and did not deliver what it promises."""

    code = "pass_failed"


class RuntimeFailed(WhetstoneError):
    """A runtime refused an artifact or broke while running it."""

    code = "runtime_failed"


class OutOfTolerance(WhetstoneError):
    """The outputs of an export lie further from the original's than its precision explains.

    Args:
        message: What is beyond the tolerance.
        hint: What the person can do next.
        figures: How far each output lies from the original's.
        more: As of every error.
    """

    code = "out_of_tolerance"

    def __init__(self, message: str, *, figures: tuple[dict[str, Any], ...] = (), **more: str) -> None:
        super().__init__(message, **more)
        self.figures = figures

    def to_record(self, stage: str = "") -> ErrorRecord:
        """Return this error as plain values, with the figures."""
        return replace(super().to_record(stage), figures=self.figures)


class MeasuredElsewhere(WhetstoneError):
    """Nothing on this machine runs the format that was built."""

    code = "measured_elsewhere"


class BackendMissing(WhetstoneError):
    """An optional library is absent; the hint is the line that installs it."""

    code = "backend_missing"


class SandboxUnavailable(WhetstoneError):
    """The system offers no confinement for files that may run code."""

    code = "sandbox_unavailable"


class ChildCrashed(WhetstoneError):
    """A working process died before it answered."""

    code = "child_crashed"


class OutOfMemory(ChildCrashed):
    """A working process needed more memory than its limit."""

    code = "out_of_memory"


class ChildTimeout(WhetstoneError):
    """A working process did not answer in time and was stopped."""

    code = "child_timeout"


class Cancelled(WhetstoneError):
    """The person asked to stop."""

    code = "cancelled"


class Paused(Cancelled):
    """The person asked to stop after the step that was going on, and to go on from there later."""

    code = "paused"


class NotFound(WhetstoneError):
    """A run, model, data set or file that the store does not hold."""

    code = "not_found"


class StoreUnusable(WhetstoneError):
    """The database cannot be opened, read or written; nothing in it was changed."""

    code = "store_unusable"


def _tree(root: type[WhetstoneError]) -> dict[str, type[WhetstoneError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


def from_record(record: ErrorRecord) -> WhetstoneError:
    """Return the exception that `record` was made of, by its code."""
    kind = _tree(WhetstoneError).get(record.code, WhetstoneError)
    told = {"hint": record.hint, "traceback": record.traceback, "instead": record.instead}
    return kind(record.message, **told)
