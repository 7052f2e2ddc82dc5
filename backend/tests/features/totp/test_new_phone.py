"""A new authenticator for someone who is signed in: the old one works until the new one is confirmed, and never after."""

from asyncio import gather
from dataclasses import dataclass

import httpx
import pyotp
import pytest
from sqlalchemy import update

from focys.features.audit import audit_events
from focys.features.browsers import browsers
from focys.features.sessions import sessions
from focys.features.totp import totp_setups
from tests.conftest import MakeWorld
from tests.support import new_phone
from tests.support.attempts import use_backup_code, wrong_code
from tests.support.rows import count_of, execute, rows_of
from tests.support.service import PASSWORD, Account, Browser, World

REPLACED = "Your authenticator app was replaced · FOCYS"
ADDED = "A second step was added to your account · FOCYS"


@dataclass
class SignedIn:
    """A browser with a session, and what it sends."""

    browser: Browser
    token: str

    async def show(self, *, restart: bool = False) -> httpx.Response:
        return await new_phone.show(self.browser, self.token, restart=restart)

    async def confirm(self, code: str) -> httpx.Response:
        return await new_phone.confirm(self.browser, self.token, code)

    async def step_up(self, kind: str = "", **body: str) -> httpx.Response:
        return await self.browser.post(f"/auth/step-up{kind}", body, headers=new_phone.bearer(self.token))

    async def is_signed_in(self) -> bool:
        return (await self.browser.me(self.token)).status_code == 200


def on_new_phone(account: Account, shown: httpx.Response) -> Account:
    """The account with the authenticator that a response showed."""
    assert shown.status_code == 200, shown.text
    secret = pyotp.parse_uri(shown.json()["provisioning_uri"]).secret
    return Account(account.id, account.email, account.password, secret, account.backup_codes)


@pytest.fixture
async def ren(world: World) -> Account:
    return await world.an_account(enrolled=True)


async def sign_in(world: World, account: Account, browser: Browser | None = None) -> SignedIn:
    return SignedIn(*await world.signed_in(account, browser))


@pytest.fixture
async def here(world: World, ren: Account) -> SignedIn:
    return await sign_in(world, ren)


async def test_the_old_code_works_until_the_new_one_is_confirmed_and_never_after(
    world: World, ren: Account, here: SignedIn
):
    """TOTP-15, RCV-07."""
    new = on_new_phone(ren, await here.show())
    before = await (await world.at_second_factor(ren)).offer(ren.code(world.clock))
    early = await (await world.at_second_factor(ren)).offer(new.code(world.clock))

    response = await here.confirm(new.code(world.clock))

    assert (before.status_code, early.status_code, response.status_code) == (200, 401, 200), response.text
    assert response.json()["user"]["mfa_enabled"]
    assert "backup_codes" not in response.json()
    world.clock.advance(seconds=30)
    assert (await (await world.at_second_factor(ren)).offer(ren.code(world.clock))).json()["code"] == "invalid_code"
    assert (await (await world.at_second_factor(ren)).offer(new.code(world.clock))).status_code == 200


async def test_the_code_that_confirms_it_is_used_up(world: World, ren: Account, here: SignedIn):
    """TOTP-03."""
    new = on_new_phone(ren, await here.show())
    await here.confirm(new.code(world.clock))

    again = await (await world.at_second_factor(new)).offer(new.code(world.clock))

    assert again.json()["code"] == "code_already_used"


async def test_all_other_sessions_end_and_this_one_continues(world: World, ren: Account, here: SignedIn):
    """SESS-11, TOTP-15."""
    other = await sign_in(world, ren)
    new = on_new_phone(ren, await here.show())

    await here.confirm(new.code(world.clock))

    assert await here.is_signed_in()
    assert not await other.is_signed_in()
    assert (await here.browser.post("/auth/refresh")).status_code == 200
    assert (await other.browser.post("/auth/refresh")).json()["code"] == "session_ended"


async def test_this_browser_stays_known_and_all_others_become_unknown(world: World, ren: Account, here: SignedIn):
    """TOTP-15: a browser that is unknown causes an email."""
    other = await sign_in(world, ren)
    new = on_new_phone(ren, await here.show())
    await here.confirm(new.code(world.clock))
    world.clock.advance(seconds=30)
    await world.deliver()
    before = len(world.mail.subjects(ren.email))

    await sign_in(world, new, here.browser)
    assert len(world.mail.subjects(ren.email)) == before
    await sign_in(world, new, other.browser)
    assert world.mail.subjects(ren.email)[before:] == ["New sign-in to your account · FOCYS"]
    assert await count_of(world, browsers) >= 2


async def test_a_login_in_progress_elsewhere_ends(world: World, ren: Account, here: SignedIn):
    """TOTP-15: someone with the old phone who has entered the password starts over, and gets no further."""
    stranger = await world.at_second_factor(ren)
    new = on_new_phone(ren, await here.show())

    await here.confirm(new.code(world.clock))

    assert (await stranger.offer(ren.code(world.clock))).json()["code"] == "login_expired"


async def test_backup_codes_stay_valid(world: World, ren: Account, here: SignedIn):
    new = on_new_phone(ren, await here.show())
    await here.confirm(new.code(world.clock))

    response = await use_backup_code(await world.at_second_factor(new), ren.backup_codes[0])

    assert response.status_code == 200


async def test_who_has_lost_the_phone_needs_password_and_backup_code(world: World, ren: Account, here: SignedIn):
    """RCV-07: that is what the replacement is for."""
    world.clock.advance(minutes=6)
    await here.step_up("/backup-code", code=ren.backup_codes[0], password=PASSWORD)

    new = on_new_phone(ren, await here.show())
    response = await here.confirm(new.code(world.clock))

    assert response.status_code == 200
    world.clock.advance(seconds=30)
    assert await (await sign_in(world, new)).is_signed_in()


@pytest.mark.parametrize("call", ["show", "confirm"])
async def test_each_missing_proof_is_refused(world: World, ren: Account, here: SignedIn, call: str):
    """TOTP-15: no session; a session that was not verified recently; the password alone; a wrong code."""
    new = on_new_phone(ren, await here.show())
    world.clock.advance(minutes=6)

    async def attempt(who: SignedIn) -> str:
        response = await (who.show() if call == "show" else who.confirm(new.code(world.clock)))
        return str(response.json()["code"])

    assert await attempt(SignedIn(world.a_browser(), "none")) == "not_authenticated"
    assert await attempt(SignedIn(await world.at_second_factor(ren), "none")) == "not_authenticated"
    assert await attempt(here) == "step_up_required"
    await here.step_up("/password", password=PASSWORD)
    assert await attempt(here) == "step_up_required"
    await here.step_up(code=wrong_code(ren, world))
    assert await attempt(here) == "step_up_required"
    await here.step_up("/backup-code", code=ren.backup_codes[0], password="wrong")
    assert await attempt(here) == "step_up_required"
    await here.step_up(code=new.code(world.clock))
    assert await attempt(here) == "step_up_required"
    assert await (await sign_in(world, ren)).is_signed_in()


async def test_the_setup_survives_a_step_up_in_between(world: World, ren: Account, here: SignedIn):
    new = on_new_phone(ren, await here.show())
    world.clock.advance(minutes=6)
    refused = await here.confirm(new.code(world.clock))
    await here.step_up(code=ren.code(world.clock))

    response = await here.confirm(new.code(world.clock))

    assert (refused.json()["code"], response.status_code) == ("step_up_required", 200)


async def test_wrong_codes_are_charged_and_five_stop_the_setup(world: World, ren: Account, here: SignedIn):
    """LOCK-01: the next setup starts fifteen minutes later."""
    new = on_new_phone(ren, await here.show())
    wrong = [await here.confirm(wrong_code(new, world)) for _ in range(5)]

    right = await here.confirm(new.code(world.clock))

    assert [response.json().get("tries_left") for response in wrong] == [4, 3, 2, 1, None]
    assert (right.status_code, right.json()["code"]) == (429, "account_locked")
    world.clock.advance(minutes=15)
    await here.step_up(code=ren.code(world.clock))
    assert (await here.confirm(new.code(world.clock))).json()["code"] == "enrolment_expired"
    new = on_new_phone(ren, await here.show())
    assert (await here.confirm(new.code(world.clock))).status_code == 200


async def test_the_same_secret_is_shown_until_it_is_discarded(world: World, ren: Account, here: SignedIn):
    first, again, new = await here.show(), await here.show(), await here.show(restart=True)

    assert first.json()["secret"] == again.json()["secret"] != new.json()["secret"]
    discarded = await here.confirm(on_new_phone(ren, first).code(world.clock))
    assert discarded.json()["code"] == "invalid_code"


async def test_each_session_sees_a_secret_of_its_own(world: World, ren: Account, here: SignedIn):
    """TOTP-09."""
    other = await sign_in(world, ren)

    shown = [await here.show(), await other.show()]

    assert shown[0].json()["secret"] != shown[1].json()["secret"]
    assert (await here.confirm(on_new_phone(ren, shown[1]).code(world.clock))).json()["code"] == "invalid_code"


async def test_the_new_entry_has_a_name_of_its_own(world: World, ren: Account, here: SignedIn):
    """Some apps overwrite an entry with a new one of the same name."""
    names = [ren.email]
    for _ in range(2):
        shown = await here.show()
        names.append(shown.json()["account"])
        ren = on_new_phone(ren, shown)
        await here.confirm(ren.code(world.clock))

    assert names == [ren.email, f"{ren.email} (2)", f"{ren.email} (3)"]


async def test_the_owner_gets_an_email_and_the_log_an_event(world: World, ren: Account, here: SignedIn):
    """RCV-09, TOTP-15: without the secret."""
    new = on_new_phone(ren, await here.show())
    await world.deliver()
    before = len(world.mail.subjects(ren.email))
    await here.confirm(wrong_code(new, world))

    await here.confirm(new.code(world.clock))
    await world.deliver()

    assert world.mail.subjects(ren.email)[before:] == [REPLACED]
    text = " ".join(world.mail.emails[-1][1].paragraphs)
    assert "from 192.0.2.1" in text
    assert "If that was not you" in text
    assert str(new.secret) not in text
    told = [row for row in await rows_of(world, audit_events) if row.event == "MFA replaced"]
    assert {(row.outcome, row.reason, row.user_id) for row in told} == {
        ("refused", "invalid_code", ren.id),
        ("ok", None, ren.id),
    }


async def test_of_two_browsers_that_confirm_at_once_one_wins(world: World, ren: Account, here: SignedIn):
    """FLOW-12: one is told so, and its session ends."""
    other = await sign_in(world, ren)
    both = [here, other]
    new = [on_new_phone(ren, await one.show()) for one in both]

    responses = await gather(
        *(one.confirm(mine.code(world.clock)) for one, mine in zip(both, new, strict=True)),
    )

    assert sorted(response.status_code for response in responses) in ([200, 401], [200, 409])
    won = [response.status_code for response in responses].index(200)
    assert [await one.is_signed_in() for one in both] == [won == 0, won == 1]
    assert await count_of(world, totp_setups) == 0
    world.clock.advance(seconds=30)
    assert await (await sign_in(world, new[won])).is_signed_in()
    lost = await (await world.at_second_factor(ren)).offer(new[1 - won].code(world.clock))
    assert lost.json()["code"] == "invalid_code"


async def test_refreshes_at_the_same_time_keep_the_session(world: World, ren: Account, here: SignedIn):
    """SESS-05: also one that rotates the refresh token."""
    new = on_new_phone(ren, await here.show())
    world.clock.advance(minutes=2)

    response, *refreshed = await gather(
        here.confirm(new.code(world.clock)), *(here.browser.post("/auth/refresh") for _ in range(3))
    )

    assert response.status_code == 200
    assert {one.status_code for one in refreshed} == {200}
    world.clock.advance(minutes=2)
    assert (await here.browser.post("/auth/refresh")).status_code == 200


async def test_a_session_that_ended_cannot_continue_its_setup(world: World, ren: Account, here: SignedIn):
    """FLOW-09."""
    new = on_new_phone(ren, await here.show())
    async with world.services.database.engine.begin() as connection:
        await connection.execute(update(sessions).values(revoked_at=world.clock.now()))

    assert (await here.confirm(new.code(world.clock))).json()["code"] == "not_authenticated"
    again = await sign_in(world, ren, here.browser)
    assert (await again.confirm(new.code(world.clock))).json()["code"] == "enrolment_expired"


async def test_the_setup_is_no_login(world: World, ren: Account, here: SignedIn):
    """FLOW-02: neither the sign-in's routes nor its cookie reach it."""
    new = on_new_phone(ren, await here.show())

    response = await here.browser.post("/auth/mfa/confirm", {"code": new.code(world.clock)})

    assert response.json()["code"] == "login_expired"
    assert "focys_login" not in here.browser.http.cookies


async def test_where_it_is_required_a_first_factor_still_needs_the_mailbox(world: World, ren: Account, here: SignedIn):
    """TOTP-09, TOTP-16: a cleared flag leads back to the sign-in, also in the middle of a setup."""
    new = on_new_phone(ren, await here.show())
    await execute(world, "UPDATE users SET mfa_enabled = false")

    responses = [await here.show(), await here.confirm(new.code(world.clock))]

    assert [response.json()["code"] for response in responses] == ["session_ended"] * 2


async def test_who_has_no_second_step_adds_one_and_gets_backup_codes(make_world: MakeWorld):
    """BKP-01: confirmed with the password, the only proof there is."""
    async with make_world(mfa_policy="optional") as world:
        account, browser = await world.an_account(), world.a_browser()
        here = SignedIn(browser, (await browser.sign_in_with_password(account)).json()["access_token"])
        new = on_new_phone(account, await here.show())

        response = await here.confirm(new.code(world.clock))

        assert response.status_code == 200, response.text
        assert len(response.json()["backup_codes"]) == 10
        assert await here.is_signed_in()
        await world.deliver()
        assert world.mail.subjects(account.email) == [ADDED]
        world.clock.advance(seconds=30)
        assert await (await sign_in(world, new)).is_signed_in()
