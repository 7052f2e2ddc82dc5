"""Emails name whom to contact if the operator has set it, and otherwise ask for nothing that people cannot do."""

import re

import pytest

from focys.features.outbox import MailContext, Notice
from focys.services import FEATURES
from tests.support.clock import NOON
from tests.support.service import World

NOTICES = [kind for feature in FEATURES for kind in feature.emails if isinstance(kind, Notice)]
DETAILS = {
    "at": "2026-03-02 12:00",
    "until": "2026-03-02 13:00",
    "source": "203.0.113.5",
    "left": 3,
    "known_browser": False,
    "old": "alice@student.com",
    "new": "alice@corp.test",
    "url": "https://login.corp.test",
}


def text_of(notice: Notice, support: str) -> str:
    return " ".join(notice.render(MailContext("Acme", support, "alice@student.com", DETAILS, NOON)).paragraphs)


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.kind)
def test_every_notice_names_the_contact(notice: Notice):
    assert re.search(r", contact help@corp\.test[:.]", text_of(notice, "help@corp.test"))


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.kind)
def test_without_a_contact_nobody_is_told_to_contact_anyone(notice: Notice):
    assert not re.search(r"(?i)\b(contact|tell|ask|choose)\b", text_of(notice, ""))


@pytest.mark.parametrize(
    ("support", "advice"),
    [
        ("", "someone knows your password: keep the code to yourself."),
        (
            "help@corp.test",
            "someone knows your password: keep the code to yourself, and contact help@corp.test for a new password.",
        ),
    ],
)
def test_the_email_with_a_code_says_what_to_do(world: World, support: str, advice: str):
    kind = world.services.outbox.kinds["email_code"]
    details = {"login": "0" * 32, "issue": 1, "long": False, "expires": "2026-03-02T12:05:00Z", "source": "192.0.2.0"}

    message = kind.render(MailContext("Acme", support, "alice@student.com", details, NOON))

    assert message is not None
    assert message.paragraphs[-1] == f"If that was not you, {advice}"
