"""``scripts/words.py``: it finds each word on its list, and nothing that only looks like one."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from tests.deploy.shipped import ROOT

ON_THE_LIST = [
    ("Everybody enrolls anew.", "again, new"),
    ("`doctor` says what mends it", "fix"),
    ("logins under way", "in progress"),
    ("def a_login_under_way():", "in progress"),
    ("the key at hand", "current, available"),
    ("Whoever has the key", "anyone who, whose"),
    ("world.mail.letters[-1]", "email, message"),
    ("class Letter:", "email, message"),
    ("letter_for(user)", "email, message"),
    ("handle = cookie(browser)", "login token"),
    ("new_handle()", "login token"),
    ("A stolen handle is useless.", "login token"),
    ("E-mail address", "email"),
    ("two mails", "email, message"),
    ("a mail is sent", "email, message"),
    ("Wait if it is minutes; else unlock.", "otherwise"),
    ("# Else it would wait.", "otherwise"),
    ("also while it waits", "even while"),
    ("closed for ever", "forever"),
    ("unauthorised", "authoriz-"),
    ("ENROLMENT_LIFE", "enroll"),
    ("confirmEnrolment", "enroll"),
    ("a cancelled query", "cancel-"),
    ("normalise(email)", "-iz-"),
    ("_COLOURS", "-or"),
    ("its licences", "license"),
    ("_GREY", "the American spelling"),
]

NOT_ON_THE_LIST = [
    "recommend an amendment",
    "newsletter",
    "sixteen letters and digits",
    "letter-spacing: 1ch",
    "except TimeoutError: handler.handle(record)",
    "It can handle this.",
    "handler, handleSubmit",
    "a mail server",
    "value if known else None",
    "nobody else, or else it fails",
    "} else if (x) {",
    "{{ else }}",
    "optimistic, enrolled, enrolling, cancellation, cancelLogin, normally",
    "raise asyncio.CancelledError",
    '{"code": "enrolment_expired"}',
    "pending_logins.c.handle_hash",
]


@pytest.fixture
def words_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The script's search, imported from the script's own folder."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    search: Callable[..., Any] = import_module("words").words_in
    return search


@pytest.mark.parametrize(("text", "instead"), ON_THE_LIST)
def test_each_listed_word_is_found_with_its_replacement(text: str, instead: str, words_in: Callable[..., Any]):
    assert [found.instead for found in words_in(text)] == [instead]


@pytest.mark.parametrize("text", NOT_ON_THE_LIST)
def test_similar_words_are_left_alone(text: str, words_in: Callable[..., Any]):
    assert list(words_in(text)) == []


def test_a_phrase_is_found_across_lines(words_in: Callable[..., Any]):
    text = "# One.\n# Two logins under\n# way are\n# anew"

    assert [(found.line, found.word) for found in words_in(text)] == [(2, "under way"), (4, "anew")]
