"""What streams are made of."""

from __future__ import annotations

from roborefer.serving.routes.answering import NewText, event


def test_new_text_is_what_was_not_told() -> None:
    new_text = NewText()
    # A token may be half of a character: the text so far then ends with a mark in its place.
    grown = ["a", "a\ufffd", "a\ufffd\ufffd", "aé", "aé", "aéb\ufffd"]
    assert [new_text(text) for text in grown] == ["a", "", "", "é", "", "b"]
    assert new_text.rest("aéb\ufffd!") == "\ufffd!"


def test_a_text_that_takes_back_what_it_said_adds_nothing() -> None:
    new_text = NewText()
    assert new_text("abc") == "abc"
    assert new_text("ax") == ""
    assert new_text.rest("ax") == ""


def test_an_event_stays_on_its_lines() -> None:
    assert event({"text": "a\nb\r"}, "text") == b'event: text\ndata: {"text": "a\\nb\\r"}\n\n'
    assert event("[DONE]") == b"data: [DONE]\n\n"
