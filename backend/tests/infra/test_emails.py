"""How an email is written: two parts, the code first, and nothing that a value could add."""

import re

import pytest

from focys.infra.mail.mailer import Message, render
from tests.support.clock import NOON
from tests.support.smtp import MailServer, parts_of, settings_of

MESSAGE = Message(
    subject="123456 is your FOCYS code", paragraphs=("Enter this.", "<b>Not bold</b>"), console="line", code="123456"
)


def test_the_code_is_in_the_subject_and_in_both_parts():
    message = render("alice@student.com", MESSAGE, NOON, settings=settings_of(MailServer()))

    text, html = parts_of(message)
    assert message.get_content_type() == "multipart/alternative"
    assert message["Subject"].startswith("123456 ")
    assert re.search(r"^ +123456$", text, re.MULTILINE)
    assert ">123456<" in html


def test_the_html_part_escapes_text_and_loads_nothing():
    text, html = parts_of(render("alice@student.com", MESSAGE, NOON, settings=settings_of(MailServer())))

    assert "&lt;b&gt;Not bold&lt;/b&gt;" in html
    assert "<b>Not bold</b>" in text
    assert not re.search(r"<(script|img|link|iframe|a|form)\b|url\(|@import|https?://(?!localhost:8000)", html)


@pytest.mark.parametrize("field", ["subject", "address"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_no_value_can_add_a_header(field: str, end: str):
    evil = f"x{end}Bcc: everybody@student.com"
    email = Message(evil, (), "") if field == "subject" else MESSAGE

    with pytest.raises(ValueError, match=r"(?i)header|linefeed|newline"):
        render("a@b.test" if field == "subject" else evil, email, NOON, settings=settings_of(MailServer()))
