"""Text sanitizing: strings of files and working processes are made harmless before use.

Source: Unicode Technical Report 36, https://www.unicode.org/reports/tr36/.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_LINE = 2000
LONGEST_DETAIL = 64 * 1024
# Control and format characters (bidirectional ones among them), halves of characters, line separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

# Word joiner: nothing to see, but what it separates is no directive, icon, emoji or link any more.
JOINER = "\N{WORD JOINER}"


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Return `text` on one line, without control, invisible and direction characters, cut to `longest`."""
    shown = "".join(map(_seen, text[: 4 * longest]))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def detail(text: str) -> str:
    """Return the last of many lines, such as a traceback, cleaned line by line."""
    return "\n".join(one_line(line) for line in text[-LONGEST_DETAIL:].splitlines())


def as_markdown(text: str) -> str:
    """Return `text` as markdown that shows it letter by letter, on one line.

    Names and messages come from files and from people; what they hold must not draw pictures, which would
    be fetched from outside, nor links or colours.
    """
    line = " ".join(text.split())
    line = re.sub(r"([\\`*_{}\[\]~$<&])", r"\\\1", line)
    line = re.sub(r"^(?:(\d+)([.)])(?=\s|$)|()([#>+=-]))", r"\1\3\\\2\4", line)
    return re.sub(r"(:|@|(?i:www))(?=\S)", rf"\1{JOINER}", line)


def _seen(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind not in _UNSEEN:
        return letter
    return " " if letter.isspace() else ""


def shown(names: list[str], limit: int = 5) -> str:
    """Return the first names of a list in words."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
