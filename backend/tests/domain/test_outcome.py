"""What a refusal says: its reason, and how long to wait."""

import pytest

from focys.domain.outcome import Reason, Refused, in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (61, "2 minutes"),
        (3_120, "52 minutes"),
        (3_600, "60 minutes"),
        (7_199, "120 minutes"),
        (7_201, "3 hours"),
        (86_400, "24 hours"),
        (365 * 86_400, "365 days"),
    ],
)
def test_a_wait_is_rounded_up_to_a_unit_people_use(seconds: int, words: str):
    assert in_words(seconds) == words


def test_a_refusal_names_the_wait():
    assert Refused(Reason.THROTTLED, retry_after=3_120).detail == "Too many tries. Try again in 52 minutes."
    assert Refused(Reason.INVALID_CODE).detail == "That code is wrong."


@pytest.mark.parametrize("reason", Reason)
def test_no_sentence_asks_for_an_unnamed_wait(reason: Reason):
    assert "moment" not in reason.sentence
