"""Codes that people copy by hand."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focys.domain.crockford import ALPHABET, CODE_BYTES, LENGTH, encode, normalize
from tests.support.properties import always

ENTROPY = st.binary(min_size=10, max_size=10)
LOOKALIKES = {"0": "0Oo", "1": "1IiLl"}


TO_RFC_4648 = str.maketrans("0123456789ABCDEFGHJKMNPQRSTVWXYZ", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
"""From Crockford's emails to those of the library's Base32."""


def test_a_code_is_eighty_bits_in_four_groups_of_four():
    code = encode(b"ten bytes!")

    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
    assert LENGTH * 5 == CODE_BYTES * 8 == 80
    assert len(ALPHABET) == len(set(ALPHABET)) == 32
    assert not set("ILOU") & set(ALPHABET)


@always
@given(ENTROPY)
def test_encoding_and_decoding_are_inverse(entropy):
    code = normalize(encode(entropy))

    assert code is not None
    assert base64.b32decode(code.translate(TO_RFC_4648)) == entropy


@pytest.mark.parametrize("length", [0, 9, 11, 16])
def test_only_ten_bytes_can_be_encoded(length):
    """BKP-01: a shorter draw never becomes a code that looks whole."""
    with pytest.raises(ValueError, match="ten bytes"):
        encode(bytes(length))


@always
@given(ENTROPY, st.data())
def test_case_spaces_dashes_and_lookalikes_do_not_matter(entropy, data):
    code = encode(entropy).replace("-", "")
    typed = ""
    for email in code:
        typed += data.draw(st.sampled_from(LOOKALIKES.get(email, email + email.lower())))
        typed += data.draw(st.sampled_from(["", "", "-", " ", " - "]))

    assert normalize(typed) == code


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "0123-4567-89AB-CDE",
        "0123-4567-89AB-CDEFG",
        "U123-4567-89AB-CDEF",
        "0123-4567-89AB-CDE!",
        "0123_4567_89AB_CDEF",
        "0123-4567-89AB-CDEF\n",
        "0123-4567-89AB-CDE\u0660",
        "0123-4567-89AB-CDE\uff21",
        "123456",
    ],
)
def test_a_malformed_code_decodes_to_none(typed):
    assert normalize(typed) is None


@always
@given(st.text() | st.text(alphabet=ALPHABET + "abcOIL- \u0660\u0131", max_size=24))
def test_any_input_is_normalized_or_rejected(typed):
    code = normalize(typed)

    if code is not None:
        assert len(code) == 16
        assert set(code) <= set(ALPHABET)
        assert normalize(code) == code
