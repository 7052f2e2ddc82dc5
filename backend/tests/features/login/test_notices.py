"""Emails to the owner and entries in the audit log: new factors, new browsers, sign-ins by strangers."""

import pytest

from focys.features.audit import audit_events
from tests.conftest import MakeWorld
from tests.support.attempts import at_enrollment, at_mailed_code, confirm, offer_pair, pair, use_backup_code
from tests.support.numbers import scrape
from tests.support.rows import rows_of
from tests.support.service import OPERATOR, Account, Browser, World

FACTOR_ADDED = "A second step was added to your account · FOCYS"
NEW_BROWSER = "New sign-in to your account · FOCYS"
BACKUP_CODE_USED = "A backup code was used · FOCYS"
UNFINISHED = "Someone knows your password · FOCYS"


async def mailed_by(world: World, account: Account, before: int) -> list[str]:
    """The subjects of the account's emails after the first ones."""
    await world.deliver()
    return world.mail.subjects(account.email)[before:]


async def audited(world: World, event: str) -> list[tuple[str, str | None, str | None]]:
    """Outcome, reason and detail of every row of an event, oldest first."""
    rows = sorted(await rows_of(world, audit_events), key=lambda row: row.at)
    return [(row.outcome, row.reason, row.detail) for row in rows if row.event == event]


async def test_the_owner_gets_an_email_about_a_new_factor(world: World):
    """RCV-09, TOTP-15: when and from where, and what to do; it says enough about the new browser, too."""
    account = await world.an_account()
    browser = await at_enrollment(world, account, world.a_browser("203.0.113.5"))
    before = len(world.mail.subjects(account.email))

    assert (await confirm(browser, account.code(world.clock))).status_code == 200

    assert await mailed_by(world, account, before) == [FACTOR_ADDED]
    text = " ".join(world.mail.emails[-1][1].paragraphs)
    assert "2026-03-02 12:00 UTC, from 203.0.113.5" in text
    assert "If that was not you, you need a new password and a new second step." in text
    assert account.secret
    assert account.secret not in text
    assert await audited(world, "MFA enrolment") == [("ok", None, None)]


async def test_a_wrong_first_code_sends_no_email(world: World):
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    before = len(world.mail.subjects(account.email))

    await confirm(browser, "000000")

    assert await mailed_by(world, account, before) == []
    assert await audited(world, "MFA enrolment") == [("refused", "invalid_code", None)]


@pytest.mark.parametrize("with_pair", [False, True], ids=["one code", "two codes"])
async def test_the_owner_gets_an_email_about_a_new_browser(world: World, *, with_pair: bool):
    """RCV-09: once; the next sign-in there is nothing new."""
    account = await world.an_account(enrolled=True)
    browser, before = world.a_browser("203.0.113.5"), len(world.mail.subjects(account.email))
    world.clock.advance(minutes=1)

    async def sign_in() -> None:
        await world.at_second_factor(account, browser)
        offer = offer_pair(browser, pair(account, world)) if with_pair else browser.offer(account.code(world.clock))
        assert (await offer).status_code == 200
        world.clock.advance(minutes=1)

    await sign_in()

    assert await mailed_by(world, account, before) == [NEW_BROWSER]
    text = " ".join(world.mail.emails[-1][1].paragraphs)
    assert "2026-03-02 12:01 UTC, from 203.0.113.5" in text
    assert "If that was not you, you need a new password and a new second step." in text
    assert await audited(world, "TOTP") == [("ok", None, "new browser")]
    await sign_in()
    assert await mailed_by(world, account, before) == [NEW_BROWSER]
    assert await audited(world, "TOTP") == [("ok", None, "new browser"), ("ok", None, None)]


async def test_a_backup_code_on_a_new_browser_sends_one_email(world: World):
    """RCV-09, BKP-05: the audit log names the browser as well."""
    account = await world.an_account(enrolled=True)
    before = len(world.mail.subjects(account.email))

    await use_backup_code(await world.at_second_factor(account), account.backup_codes[0])

    assert await mailed_by(world, account, before) == [BACKUP_CODE_USED]
    assert await audited(world, "MFA backup code") == [("ok", None, "new browser")]


async def test_after_a_password_change_the_owners_browser_counts_as_new(world: World):
    """RCV-09, SESS-13: the first sign-in with a new password causes an email."""
    account = await world.an_account(enrolled=True)
    browser, _ = await world.signed_in(account)
    account.password = "seven-quiet-lanterns-41"
    await world.services.administration.set_password(account.email, account.password, OPERATOR)
    await world.deliver()
    before = len(world.mail.subjects(account.email))

    await world.signed_in(account, browser)

    assert await mailed_by(world, account, before) == [NEW_BROWSER]


async def alarms_of(world: World) -> float:
    """How often the alarm about an enrollment out of turn was raised."""
    return (await scrape(world.a_browser())).of("focys_alarms_total", alarm="enrolment_out_of_turn")


@pytest.mark.parametrize("path", ["/auth/mfa/enroll", "/auth/mfa/confirm"])
@pytest.mark.parametrize("step", ["email_code", "totp"])
async def test_enrolling_at_another_step_is_audited_with_an_alarm(world: World, step: str, path: str):
    """LOG-01, TOTP-09: three times per login; more tries do not fill the log."""
    account = await world.an_account(enrolled=step == "totp")
    browser = await (world.at_second_factor(account) if step == "totp" else at_mailed_code(world, account))
    already = len(await audited(world, "MFA enrolment"))
    alarms = await alarms_of(world)

    responses = [await browser.post(path, {"code": "123456"} if "confirm" in path else {}) for _ in range(5)]

    assert {(response.status_code, response.json()["code"]) for response in responses} == {(409, "out_of_turn")}
    assert (await audited(world, "MFA enrolment"))[already:] == [("refused", "out_of_turn", None)] * 3
    assert await alarms_of(world) == alarms + 3


async def begin(world: World, account: Account, times: int, browser: Browser | None = None) -> None:
    for number in range(times):
        await world.at_second_factor(account, browser or world.a_browser(f"203.0.113.{number + 1}"))


async def test_ten_unfinished_sign_ins_by_strangers_cause_one_email_a_day(world: World):
    """LOCK-13: the tenth within an hour."""
    account = await world.an_account(enrolled=True)
    before = len(world.mail.subjects(account.email))

    await begin(world, account, 9)
    assert await mailed_by(world, account, before) == []
    await begin(world, account, 1)
    assert await mailed_by(world, account, before) == [UNFINISHED]
    text = " ".join(world.mail.emails[-1][1].paragraphs)
    assert "2026-03-02 12:00 UTC, from 203.0.113.1" in text
    assert "If that was not you, you need a new password." in text

    await begin(world, account, 12)
    world.clock.advance(hours=23)
    await begin(world, account, 12)
    assert await mailed_by(world, account, before) == [UNFINISHED]
    world.clock.advance(hours=1)
    await begin(world, account, 10)
    assert await mailed_by(world, account, before) == [UNFINISHED] * 2


async def test_finished_sign_ins_and_known_browsers_cause_no_email(world: World):
    account = await world.an_account(enrolled=True)
    home, _ = await world.signed_in(account)
    for number in range(5):
        await world.signed_in(account, world.a_browser(f"198.51.100.{number}"))
    await world.deliver()
    before = len(world.mail.subjects(account.email))

    await begin(world, account, 12, home)
    await begin(world, account, 9)

    assert await mailed_by(world, account, before) == []


async def test_refused_sign_ins_do_not_count_as_unfinished(make_world: MakeWorld):
    async with make_world(logins_per_network=6) as world:
        account = await world.an_account(enrolled=True)
        before = len(world.mail.subjects(account.email))

        codes = [(await world.a_browser("203.0.113.9").sign_in_with_password(account)).status_code for _ in range(12)]
        meanwhile = await mailed_by(world, account, before)
        for _ in range(4):
            await world.a_browser("203.0.113.10").sign_in_with_password(account)

        assert codes == [200] * 6 + [429] * 6
        assert meanwhile == []
        assert await mailed_by(world, account, before) == [UNFINISHED]
