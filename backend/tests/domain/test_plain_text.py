"""Which texts can be shown to someone who has to tell them apart."""

import pytest

from focys.domain.plain_text import is_readable


@pytest.mark.parametrize("text", ["a", "Dana Ray", "  x", "名前", "O'Neil", "7", "🙂", "é", "x\u200d"])
def test_a_line_with_a_visible_character_is_readable(text: str):
    assert is_readable(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\u00a0\u3000", "\u2028", "\u2029", "\u200b\u200d\ufeff", "\u00ad", "\u034f", "\u3164\u115f", "\u2800"],
)
def test_spaces_and_invisible_characters_alone_are_not(text: str):
    assert not is_readable(text)


@pytest.mark.parametrize("text", ["a\nb", "a\u2028b", "a\u2029", "a\x85b", "a\x00", "a\u202eb"])
def test_several_lines_and_deceptive_characters_are_not(text: str):
    assert not is_readable(text)
