# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Message: a received message, copied out."""

import pytest
import tachyon

U32_MAX = 2**32 - 1


def test_messages_are_equal_when_both_fields_are():
    message = tachyon.Message(1, b"a")
    assert message == tachyon.Message(1, b"a")
    assert message != tachyon.Message(2, b"a")
    assert message != tachyon.Message(1, b"b")
    assert message != (1, b"a")
    assert message != b"a"
    with pytest.raises(TypeError):
        message < tachyon.Message(2, b"a")  # noqa: B015


def test_equal_messages_have_equal_hashes():
    assert hash(tachyon.Message(1, b"a")) == hash(tachyon.Message(1, b"a"))
    made = [tachyon.Message(index // 2, b"%d" % (index % 2)) for index in range(10)]
    again = [tachyon.Message(index // 2, b"%d" % (index % 2)) for index in range(10)]
    assert len({*made, *again}) == 10


def test_a_message_can_be_matched():
    match tachyon.Message(5, b"five"):
        case tachyon.Message(5, data):
            assert data == b"five"
        case _:
            pytest.fail("no match")
    assert tachyon.Message.__match_args__ == ("type_id", "data")


def test_a_message_cannot_be_changed():
    message = tachyon.Message(5, b"five")
    for name in ("type_id", "data", "size"):
        with pytest.raises(AttributeError):
            setattr(message, name, 1)
    with pytest.raises(AttributeError):
        message.other = 1


def test_the_fields_of_a_message_are_checked():
    for type_id in (-1, U32_MAX + 1, 1 << 70):
        with pytest.raises(OverflowError):
            tachyon.Message(type_id, b"")
    for arguments in ((1, "text"), ("1", b""), (1.5, b""), (1, None), (1,), (), (1, b"", 2)):
        with pytest.raises(TypeError):
            tachyon.Message(*arguments)


def test_a_message_shows_what_it_is():
    text = repr(tachyon.Message(5, b"five"))
    assert "5" in text
    assert "five" in text


def test_an_empty_message_is_a_message(pair):
    near, far = pair
    near.send(b"", 9)
    message = far.recv()
    assert (message.type_id, message.data, message.size, len(message)) == (9, b"", 0, 0)
