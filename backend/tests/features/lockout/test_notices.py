"""What the owner is told while somebody who has the password fails at the second factor."""

from tests.support.attempts import (
    WRONG_BACKUP_CODE,
    fail,
    offer_pair,
    offer_wrong,
    use_backup_code,
    wrong_code,
)
from tests.support.service import OPERATOR, World

FAILING = "Wrong codes on your account · FOCYS"
LOCKED = "Your account is locked for a while · FOCYS"
GUARDED = "Your account now asks for two codes · FOCYS"


KINDS = {FAILING, LOCKED, GUARDED}


async def test_third_failure_locks_and_guarded_mode_send_an_email(world: World):
    account = await world.an_account(enrolled=True)
    told: list[list[str]] = []

    for _ in range(15):
        world.mail.emails.clear()
        await fail(world, account, 1)
        await world.deliver()
        told.append(world.mail.subjects(account.email))
        world.clock.advance(hours=1)

    expected: dict[int, list[str]] = {3: [FAILING], 5: [LOCKED], 10: [LOCKED], 15: [GUARDED]}
    assert told == [expected.get(number, []) for number in range(1, 16)]


async def test_each_kind_of_email_is_sent_at_most_hourly(world: World):
    """LOCK-13: the second lock follows the first within the hour and is not told again."""
    account = await world.an_account(enrolled=True)

    await fail(world, account, 10)
    await world.deliver()

    assert [s for s in world.mail.subjects(account.email) if s in KINDS] == [FAILING, LOCKED]


async def test_the_email_says_when_where_and_what_to_do(world: World):
    """LOCK-13: it advises a new password and holds no code and no text of the caller's."""
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account, world.a_browser("203.0.113.5"))
    browser.http.headers["User-Agent"] = "<b>Evil</b>"

    for _ in range(3):
        await offer_wrong(world, account, browser)
    await world.deliver()

    to, email = world.mail.emails[-1]
    text = " ".join(email.paragraphs)
    assert (to, email.subject, email.code) == (account.email, FAILING, None)
    assert "2026-03-02 12:00 UTC, from 203.0.113.5" in text
    assert "you need a new password, because someone knows yours" in text
    assert "Evil" not in text
    assert wrong_code(account, world) not in text


async def test_all_kinds_of_failures_lead_to_the_email(world: World):
    """LOCK-13, BKP-04: single codes, pairs and backup codes."""
    account = await world.an_account(enrolled=True)
    browser = await fail(world, account, 1)
    wrong = wrong_code(account, world)

    await offer_pair(browser, {"codes": [wrong, wrong]})
    await use_backup_code(browser, WRONG_BACKUP_CODE)
    await world.deliver()

    assert world.mail.subjects(account.email)[-1] == FAILING


async def test_failed_strong_proofs_during_a_lock_send_no_email(world: World):
    """LOCK-13: the owner already has an email about the lock, and they bring the next one no nearer."""
    account = await world.an_account(enrolled=True)
    browser = await fail(world, account, 5)
    await world.deliver()
    before, wrong = len(world.mail.emails), wrong_code(account, world)

    for _ in range(5):
        await offer_pair(browser, {"codes": [wrong, wrong]})
        await use_backup_code(browser, WRONG_BACKUP_CODE)
    await world.deliver()

    assert len(world.mail.emails) == before


async def test_wrong_passwords_send_no_email(world: World):
    """LOCK-13: they prove nothing, and would let strangers fill a mailbox."""
    account = await world.an_account(enrolled=True)
    before = len(world.mail.emails)

    for _ in range(5):
        await world.a_browser().post("/auth/login", {"email": account.email, "password": "wrong-horse-battery-77"})
    await world.deliver()

    assert len(world.mail.emails) == before


async def test_a_reset_sends_an_email(world: World):
    account = await world.an_account(enrolled=True)

    await world.services.administration.reset_mfa(account.email, OPERATOR)
    await world.deliver()

    assert world.mail.subjects(account.email)[-1] == "Your second step was reset · FOCYS"
