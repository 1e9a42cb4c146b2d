"""Errors that say which field they are about, by the names of whoever asked."""

from __future__ import annotations

import pytest

from roborefer import InputError
from roborefer.serving.fields import FieldError, about, called, numbered
from roborefer.serving.wire_formats.query_asks import fields_of


def test_an_error_takes_the_name_of_its_field() -> None:
    for field, shown in (("depth", "the depth"), ("image 2", "image 2")):
        with pytest.raises(FieldError) as caught, about(field):
            raise InputError("got 0 bytes in the given bytes: save it again")
        assert (str(caught.value), caught.value.field) == (f"got 0 bytes in {shown}: save it again", field)


def test_the_innermost_field_is_the_one() -> None:
    with pytest.raises(FieldError) as caught, about("fov"), about("image"):
        raise InputError("too large")
    assert caught.value.field == "image"


def test_a_protocol_has_its_own_names() -> None:
    names = fields_of("messages", [("AA==", "messages[0].content[0]"), ("AA==", "messages[0].content[2]")])
    for field, name in (("image 2", "messages[0].content[2]"), ("text", "messages"), ("fov", "fov")):
        with pytest.raises(FieldError) as caught, called(names), about(field):
            raise InputError("too large")
        assert (str(caught.value), caught.value.field) == ("too large", name)


def test_one_of_a_kind_has_no_number() -> None:
    assert (numbered("image", 0, 1), numbered("image", 1, 2)) == ("image", "image 2")
