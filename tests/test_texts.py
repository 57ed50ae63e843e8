from __future__ import annotations

import pytest

from core.texts import LONGEST_DETAIL, as_markdown, detail, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe 深度 🚀", "größe 深度 🚀"),
        ("two\nlines\r\n\tand more", "two lines   and more"),
        ("gpj.\N{RIGHT-TO-LEFT OVERRIDE}exe", "gpj.exe"),
        ("a\N{ZERO WIDTH SPACE}b", "ab"),
        ("\x1b[31mred\x07", "[31mred"),
        ("half \ud800 a character", "half  a character"),
        ("line\N{LINE SEPARATOR}line", "line line"),
    ],
)
def test_one_line_holds_what_can_be_seen(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_long_text_is_cut() -> None:
    assert len(one_line("x" * 50_000_000)) == 2000
    assert one_line("x" * 11, 10) == "x" * 9 + "…"
    assert one_line("x" * 10, 10) == "x" * 10


def test_a_detail_keeps_its_last_lines() -> None:
    assert detail("first\n  second\x1b\n") == "first\n  second"
    assert len(detail("line\n" * 100_000)) <= LONGEST_DETAIL


def test_markdown_shows_every_letter() -> None:
    shown = as_markdown("[here](https://evil.example) ![](x) :red[y] <b>\n# z")
    assert "\\[here\\]" in shown
    assert "https://" not in shown
    assert "\n" not in shown
