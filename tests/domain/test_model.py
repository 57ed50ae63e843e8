from __future__ import annotations

from core.domain.model import Note
from core.serde import from_json, to_plain


def test_a_note_that_was_stored_with_a_subject_is_still_read() -> None:
    old = from_json('{"subject":"model","message":"No labels.","hint":"Give some."}', Note)
    assert old == Note("No labels.", "Give some.")
    assert to_plain(old) == {"message": "No labels.", "hint": "Give some."}
