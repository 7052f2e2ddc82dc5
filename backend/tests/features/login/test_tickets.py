"""ADM-03: after an operator's reset, enrolling again needs a ticket that was handed over out of band."""

from asyncio import gather
from collections.abc import Callable
from datetime import timedelta
from secrets import token_bytes
from typing import Any

import httpx
import pytest

from focys.domain.crockford import CODE_BYTES, encode
from focys.domain.email_codes import TRIES
from focys.features.accounts import is_right_ticket, users
from focys.features.audit import audit_events
from focys.features.email_code import email_code_failures
from tests.conftest import SECRET_KEY, MakeWorld
from tests.support.attempts import at_mailed_code, enter_mailed_code, wrong_mailed_code
from tests.support.rows import count_of, rows_of
from tests.support.service import OPERATOR, Account, Browser, World


async def enter(world: World, account: Account, browser: Browser, ticket: str | None) -> httpx.Response:
    """Enter the right emailed code, with this ticket."""
    body = {"code": world.mail.last_code(account.email), **({} if ticket is None else {"ticket": ticket})}
    return await browser.post("/auth/email-code/verify", body)


async def after_reset(world: World) -> tuple[Account, Browser]:
    """An account that was reset, and a browser that waits for the emailed code and the ticket."""
    account = await world.an_account(enrolled=True)
    await world.reset_mfa(account)
    return account, await at_mailed_code(world, account)


async def test_password_and_mailbox_alone_do_not_enroll_after_a_reset(world: World):
    """ADM-03: the step stays where it is, and nothing is charged."""
    account, browser = await after_reset(world)

    without = await enter(world, account, browser, None)
    empty = await enter(world, account, browser, "")

    assert (await browser.get("/auth/login")).json()["needs_ticket"] is True
    assert [(r.status_code, r.json()["code"]) for r in (without, empty)] == [(409, "ticket_needed")] * 2
    assert (await browser.post("/auth/mfa/enroll")).json()["code"] == "out_of_turn"


async def test_with_the_ticket_the_owner_enrolls_again(world: World):
    account = await world.an_account(enrolled=True)
    await world.reset_mfa(account)

    done = await world.enroll(account, world.a_browser())

    assert done.json()["step"] == "done"
    assert [(row.ticket_mac, row.ticket_expires_at) for row in await rows_of(world, users)] == [(None, None)]


@pytest.mark.parametrize("spell", [str.lower, lambda ticket: ticket.replace("-", " "), lambda t: f" {t} "])
async def test_case_spaces_and_dashes_of_a_ticket_do_not_matter(world: World, spell: Callable[[str], str]):
    account, browser = await after_reset(world)

    response = await enter(world, account, browser, spell(account.ticket or ""))

    assert response.json()["step"] == "enroll"


async def test_a_wrong_ticket_is_charged_and_audited(world: World):
    account, browser = await after_reset(world)
    other = await world.an_account("bob@student.com", enrolled=True)
    await world.reset_mfa(other)

    wrong = [await enter(world, account, browser, ticket) for ticket in ("0000-0000-0000-0000", other.ticket)]

    assert [(r.status_code, r.json()["code"], r.json()["tries_left"]) for r in wrong] == [
        (401, "invalid_ticket", 4),
        (401, "invalid_ticket", 3),
    ]
    refused = [row.reason for row in await rows_of(world, audit_events) if row.outcome == "refused"]
    assert refused == ["invalid_ticket"] * 2
    assert (await enter(world, account, browser, account.ticket)).json()["step"] == "enroll"


async def test_a_malformed_ticket_costs_no_try(world: World):
    account, browser = await after_reset(world)

    response = await enter(world, account, browser, "1234")

    assert (response.status_code, response.json()["code"]) == (401, "invalid_ticket")
    assert (await browser.get("/auth/login")).json()["tries_left"] == 5


async def test_a_right_ticket_says_nothing_without_the_right_emailed_code(world: World):
    account, browser = await after_reset(world)
    code = wrong_mailed_code(world, account)

    responses = [
        await browser.post("/auth/email-code/verify", {"code": code, "ticket": ticket})
        for ticket in (account.ticket, "0000-0000-0000-0000")
    ]

    assert [response.json()["code"] for response in responses] == ["invalid_code"] * 2


async def test_after_five_wrong_tickets_a_new_code_is_needed(world: World):
    account, browser = await after_reset(world)
    for _ in range(5):
        await enter(world, account, browser, "0000-0000-0000-0000")

    response = await enter(world, account, browser, account.ticket)

    assert response.json()["code"] == "new_code_needed"


async def test_an_expired_ticket_is_still_asked_for_and_no_longer_works(world: World):
    account = await world.an_account(enrolled=True)
    await world.reset_mfa(account)
    world.clock.advance(hours=24)
    browser = await at_mailed_code(world, account)

    assert (await enter(world, account, browser, account.ticket)).json()["code"] == "invalid_ticket"
    assert (await enter(world, account, browser, None)).json()["code"] == "ticket_needed"


async def test_a_ticket_works_until_somebody_has_enrolled_with_it(world: World):
    """A sign-in that was interrupted needs no new ticket; an enrollment that was completed uses it up."""
    account, first = await after_reset(world)
    ticket = account.ticket
    await enter(world, account, first, ticket)
    world.clock.advance(minutes=16)

    await world.enroll(account, world.a_browser())
    mac = [row.ticket_mac for row in await rows_of(world, users)]

    assert mac == [None]
    assert (await first.post("/auth/mfa/enroll")).json()["code"] == "login_expired"


async def test_another_reset_replaces_the_ticket(world: World):
    account = await world.an_account(enrolled=True)
    await world.reset_mfa(account)
    old = account.ticket
    await world.reset_mfa(account)
    browser = await at_mailed_code(world, account)

    assert (await enter(world, account, browser, old)).json()["code"] == "invalid_ticket"
    assert (await enter(world, account, browser, account.ticket)).json()["step"] == "enroll"


async def test_a_ticket_outlives_a_change_of_the_key(make_world: MakeWorld):
    async with make_world() as world:
        account = await world.an_account(enrolled=True)
        await world.reset_mfa(account)
    new = "another-key-for-the-tests-that-is-long-enough"
    async with make_world(clock=world.clock, secret_key=new, secret_key_fallbacks=[SECRET_KEY]) as world:
        done = await world.enroll(account, world.a_browser())

    assert done.json()["step"] == "done"


async def test_after_a_restore_a_ticket_no_longer_works(world: World):
    """AVL-09: it may have been used since the backup was made."""
    account = await world.an_account(enrolled=True)
    await world.reset_mfa(account)
    await world.services.administration.void_restored(OPERATOR, "a drill")
    browser = await at_mailed_code(world, account)

    assert (await enter(world, account, browser, account.ticket)).json()["code"] == "invalid_ticket"


async def test_the_database_holds_no_ticket(world: World):
    """ADM-03: only a keyed MAC of it."""
    account, _ = await after_reset(world)
    (row,) = await rows_of(world, users)

    assert len(row.ticket_mac) == 32
    assert account.ticket is not None
    assert account.ticket not in str(row)
    assert row.ticket_expires_at == world.clock.now() + timedelta(hours=24)


async def test_a_reset_without_a_ticket_is_audited_as_such(world: World):
    account = await world.an_account(enrolled=True)

    ticket = await world.services.administration.reset_mfa(account.email, OPERATOR, with_ticket=False)

    assert ticket is None
    assert (await world.enroll(account, world.a_browser())).json()["step"] == "done"
    (detail,) = [row.detail for row in await rows_of(world, audit_events) if row.event == "MFA reset"]
    assert detail == "without a ticket"


async def test_accounts_that_never_had_a_factor_need_no_ticket(world: World):
    account = await world.an_account()
    browser = await at_mailed_code(world, account)

    state = (await browser.get("/auth/login")).json()
    response = await enter_mailed_code(browser, world.mail.last_code(account.email))

    assert state["needs_ticket"] is False
    assert response.json()["step"] == "enroll"


@pytest.mark.parametrize(("with_ticket", "step"), [(True, "email_code"), (False, "done")])
async def test_where_mfa_is_optional_a_reset_with_a_ticket_requires_it(
    make_world: MakeWorld, step: str, *, with_ticket: bool
):
    """TOTP-16: otherwise a reset would make the password enough."""
    async with make_world(mfa_policy="required") as world:
        account = await world.an_account(enrolled=True)
    async with make_world(clock=world.clock, mfa_policy="optional") as world:
        await world.services.administration.reset_mfa(account.email, OPERATOR, with_ticket=with_ticket)

        response = await world.a_browser().sign_in_with_password(account)

    assert response.json()["step"] == step


async def test_no_more_tickets_are_compared_than_charged(world: World, monkeypatch: pytest.MonkeyPatch):
    """ADM-03: three hundred at once, over three logins, with the right emailed code of each."""
    account, browser = await after_reset(world)
    logins = [(browser, world.mail.last_code(account.email))]
    for _ in range(2):
        browser = await at_mailed_code(world, account)
        logins.append((browser, world.mail.last_code(account.email)))
    tickets = [encode(token_bytes(CODE_BYTES)) for _ in range(300)]
    compared: list[str] = []

    def noted(ticket: str, *more: Any) -> bool:
        compared.append(ticket)
        return is_right_ticket(ticket, *more)

    monkeypatch.setattr("focys.features.login.email_code.is_right_ticket", noted)
    entries = [(*logins[i % 3], ticket) for i, ticket in enumerate(tickets)]
    responses = await gather(
        *(
            browser.post("/auth/email-code/verify", {"code": code, "ticket": ticket})
            for browser, code, ticket in entries
        )
    )

    told = {response.json()["code"] for response in responses}
    assert "invalid_ticket" in told
    assert told <= {"invalid_ticket", "new_code_needed", "throttled"}, told
    assert 0 < len(compared) <= await count_of(world, email_code_failures) <= TRIES * len(logins)
