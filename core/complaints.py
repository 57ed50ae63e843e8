"""Error messages of libraries, shortened to one readable line."""

from __future__ import annotations

import re

LONGEST = 240
SHORT = 20
_NOISE = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : "  # error class
    r"|(Non-zero status code returned while running )|Status Message: "
    r"|/\S+:\d+ [\w:<>~*& ]+\([^\n]*?\)(?: const)? ?"  # place in ONNX Runtime's source
    r"|\[enforce fail at [^\]]*\][ .]*"  # place in PyTorch's source
    r"|(?:Exception from|Check '[^']*' failed at) \S+?:\d+:?[ \t]*"  # place in OpenVINO's source
    r"|\b\w+\.(?:cc|cpp|h):\d+ (?:\w+ )?"
    r"|Load model from \S+ failed: ?|Please fix either the inputs/outputs or the model\.?"
)
_UNTRANSLATED = re.compile(
    r"-- (?:Conversion is failed for|No conversion rule found for operations): ([^\n]+)"
)
_NO_KERNEL = re.compile(r"Could not find an implementation for (\w+)\((\d+)\)")
_HEADER = re.compile(r" and header b.* differ\b", re.DOTALL)  # the bytes that zipfile found
_OBJECT = re.compile(r"<[\w.]+ object at 0x\w+>")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_FOLDERS = re.compile(r"(/[\w.+-]+){2,}/")
_ERROR = re.compile(r"^[\w.]*(Error|Exception): ")


def complaint(error: BaseException | str, last: bool = False) -> str:
    """Return the telling line of a library's error: no traceback, addresses or places in its source.

    Args:
        error: What the library raised or said.
        last: Where no line names an error, take the last line, in which converters and quantizers sum up,
            and not the first.
    """
    untranslated = ", ".join(found.strip() for found in _UNTRANSLATED.findall(str(error)))
    if untranslated:
        return _cut(f"OpenVINO has no translation for {untranslated} as this graph uses it")
    lacking = _NO_KERNEL.search(str(error))
    if lacking is not None:
        name, version = lacking.groups()
        return f"ONNX Runtime has no {name} of opset {version} for the number types that it takes here"
    lines = [line.strip() for line in _clean(str(error)).splitlines() if line.strip()]
    named = [line for line in lines if _ERROR.match(line)]
    line = _ERROR.sub("", named[-1]) if named else _telling(lines, last)
    line = _FOLDERS.sub("", line).rstrip(".")
    return _cut(line or type(error).__name__)


def _clean(text: str) -> str:
    text = _OBJECT.sub("other content", _HEADER.sub(" differs from the entry's own", text))
    return _ADDRESS.sub("", _NOISE.sub("", text))


def _telling(lines: list[str], last: bool) -> str:
    if not lines:
        return ""
    line = lines[-1 if last else 0]
    return f"{lines[0]} {line}" if last and len(lines) > 1 and len(line) < SHORT else line


def _cut(line: str) -> str:
    if len(line) <= LONGEST:
        return line
    return line[:LONGEST].rpartition(". ")[0] or line[: LONGEST - 1] + "…"
