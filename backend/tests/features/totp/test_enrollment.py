"""Setting up an authenticator: the secret that waits, what is shown of it and where, and when it becomes the account's."""

import asyncio
import base64
import io
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import zxingcpp
from PIL import Image

from focys.features.accounts import users
from focys.features.login import pending_logins
from focys.features.totp import totp_setups
from tests.conftest import MakeWorld
from tests.support.attempts import at_enrollment, confirm, wrong_code
from tests.support.jar import cookie, put
from tests.support.rows import execute, rows_of
from tests.support.service import OPERATOR, World


def decoded(qr_code: str) -> str:
    """What a phone's camera reads from the picture."""
    kind, _, data = qr_code.partition(",")
    assert kind == "data:image/png;base64"
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"))
    return found[0].text


async def test_the_response_has_everything_the_page_shows(world: World):
    """UX, TOTP-02: key, URI and picture say the same; the times are in seconds too."""
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    world.clock.advance(seconds=90)

    shown = (await browser.post("/auth/mfa/enroll")).json()

    assert decoded(shown["qr_code"]) == shown["provisioning_uri"]
    assert shown["provisioning_uri"] == (
        f"otpauth://totp/FOCYS:alice%40student.com?secret={account.secret}&issuer=FOCYS"
        "&algorithm=SHA1&digits=6&period=30"
    )
    assert (shown["issuer"], shown["account"], shown["expires_in"]) == ("FOCYS", account.email, 810)


@pytest.mark.parametrize(
    ("app_name", "address"),
    [
        ("FOCYS", "a&secret=aaaa&issuer=evil@student.com"),
        ("FOCYS", "a?secret=x#y%26z@student.com"),
        ("A: B & C=?secret=X", "o'neil+totp/x@student.com"),
        ("Universität Köln", "a" * 60 + "@student.com"),
    ],
)
async def test_no_name_changes_the_qr_codes_parameters(make_world: MakeWorld, app_name: str, address: str):
    """TOTP-13: read back from the picture."""
    async with make_world(app_name=app_name) as world:
        account = await world.an_account(address)
        browser = await at_enrollment(world, account)

        uri = decoded((await browser.post("/auth/mfa/enroll")).json()["qr_code"])

        parts = urlsplit(uri)
        issuer = " ".join(app_name.replace(":", " ").split())
        assert parse_qs(parts.query, strict_parsing=True) == {
            "secret": [account.secret],
            "issuer": [issuer],
            "algorithm": ["SHA1"],
            "digits": ["6"],
            "period": ["30"],
        }
        assert (parts.scheme, parts.netloc, parts.fragment) == ("otpauth", "totp", "")
        shown_issuer, _, shown_account = unquote(parts.path).removeprefix("/").partition(":")
        assert shown_issuer == issuer
        assert shown_account
        assert address.startswith(shown_account)
        assert len((shown_issuer + shown_account).encode()) <= 60


async def test_the_pending_secret_survives_errors_reloads_and_tabs(world: World):
    """TOTP-10: a login has one secret until it ends."""
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    first = account.secret

    await confirm(browser, wrong_code(account, world))
    reloaded = (await browser.post("/auth/mfa/enroll")).json()["secret"]
    second_tab = put(world.a_browser(), cookie(browser))
    world.clock.advance(minutes=14)
    shown_there = (await second_tab.post("/auth/mfa/enroll", {"restart": False})).json()["secret"]

    assert reloaded == shown_there == first
    assert len(await rows_of(world, totp_setups)) == 1
    assert (await confirm(second_tab, account.code(world.clock))).status_code == 200


async def test_every_login_has_its_own_secret(world: World):
    """TOTP-10: neither login takes the other's codes; each secret still works in its own login."""
    account, other = await world.an_account(), world.a_browser("198.51.100.9")
    first = await at_enrollment(world, account)
    kept = replace(account)
    await at_enrollment(world, account, other)

    refused = [await confirm(other, kept.code(world.clock)), await confirm(first, account.code(world.clock))]

    assert account.secret != kept.secret
    assert [(response.json()["code"], response.json()["tries_left"]) for response in refused] == [
        ("invalid_code", 4)
    ] * 2
    assert (await first.post("/auth/mfa/enroll")).json()["secret"] == kept.secret
    assert (await confirm(first, kept.code(world.clock))).status_code == 200


async def test_a_secret_seen_by_a_stranger_is_worthless(world: World):
    """TOTP-10: someone with password and mailbox reads a secret and cancels; the owner enrolls a minute later."""
    account = await world.an_account()
    stranger = await at_enrollment(world, account, world.a_browser("203.0.113.5"))
    seen = replace(account)
    await stranger.http.delete("/auth/login")
    world.clock.advance(minutes=1)

    owner = await at_enrollment(world, account)
    assert (await confirm(owner, account.code(world.clock))).status_code == 200
    world.clock.advance(seconds=30)

    await world.at_second_factor(account, stranger)
    assert (await stranger.offer(seen.code(world.clock))).json()["code"] == "invalid_code"
    assert (await stranger.offer(account.code(world.clock))).status_code == 200
    assert await rows_of(world, totp_setups) == []


async def test_starting_over_replaces_the_secret(world: World):
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    old_code, old = account.code(world.clock), account.secret

    restarted = (await browser.post("/auth/mfa/enroll", {"restart": True})).json()
    account.secret = restarted["secret"]

    assert account.secret != old
    assert (await confirm(browser, old_code)).json()["code"] == "invalid_code"
    assert (await confirm(browser, account.code(world.clock))).status_code == 200


async def test_a_pending_secret_ends_with_its_login(world: World):
    """TOTP-10: after fifteen minutes; the next login has its own secret."""
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    first = account.secret
    world.clock.advance(minutes=15)

    assert (await confirm(browser, account.code(world.clock))).json()["code"] == "login_expired"
    browser = await at_enrollment(world, account)
    assert account.secret != first
    assert (await confirm(browser, account.code(world.clock))).status_code == 200


@pytest.mark.parametrize("damage", ["DELETE FROM totp_setups", "UPDATE totp_setups SET secret = 'v1.00000000.AAAA'"])
async def test_a_missing_pending_secret_is_replaced_without_a_charge(world: World, damage: str):
    """TOTP-10, CRY-04: 409 while the login lives on; a secret that cannot be read counts as none, and is replaced."""
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    await execute(world, damage)

    for _ in range(6):
        response = await confirm(browser, account.code(world.clock))
        assert (response.status_code, response.json()["code"]) == (409, "enrolment_expired")
    first, account.secret = account.secret, (await browser.post("/auth/mfa/enroll")).json()["secret"]

    assert account.secret != first
    assert (await confirm(browser, wrong_code(account, world))).json()["tries_left"] == 4
    assert (await confirm(browser, account.code(world.clock))).status_code == 200


async def test_five_of_many_parallel_first_codes_are_compared(world: World):
    """LOCK-02, TOTP-11: by then even the right one is too late."""
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    wrong = wrong_code(account, world)

    responses = await asyncio.gather(*(confirm(browser, wrong) for _ in range(12)))

    told = [response.json()["code"] for response in responses]
    assert set(told) <= {"invalid_code", "account_locked", "throttled"}
    assert told.count("invalid_code") <= 4
    [login] = [row for row in await rows_of(world, pending_logins) if row.step == "enroll"]
    assert told.count("invalid_code") <= login.code_tries <= 5


async def test_the_account_is_unchanged_until_the_first_code(world: World):
    """TOTP-10: an enrollment that is given up leaves the account as it was."""
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    await confirm(browser, wrong_code(account, world))

    row = (await rows_of(world, users))[0]

    assert (row.mfa_enabled, row.totp_secret, row.totp_last_step) == (False, None, None)
    assert (await world.a_browser().sign_in_with_password(account)).json()["step"] == "email_code"


async def test_new_secrets_are_limited_to_ten_an_hour(world: World):
    """TOTP-11: showing it again costs nothing; the eleventh new one in a login has to wait, but not in other logins."""
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    for _ in range(9):
        assert (await browser.post("/auth/mfa/enroll", {"restart": True})).status_code == 200
        assert (await browser.post("/auth/mfa/enroll")).status_code == 200

    eleventh = await browser.post("/auth/mfa/enroll", {"restart": True})

    assert (eleventh.status_code, eleventh.json()["code"], eleventh.json()["retry_after"]) == (429, "throttled", 3600)
    assert (await browser.post("/auth/mfa/enroll")).status_code == 200
    other = await at_enrollment(world, account, world.a_browser("198.51.100.9"))
    assert (await confirm(other, account.code(world.clock))).status_code == 200


@pytest.mark.parametrize("act", ["set password", "reset factor"])
async def test_a_credential_change_voids_the_pending_secret(world: World, act: str):
    """TOTP-10, SESS-11: anyone who saw it with the old password has no part in the owner's authenticator."""
    account = await world.an_account()
    stranger = await at_enrollment(world, account, world.a_browser("203.0.113.5"))
    seen = replace(account)
    if act == "set password":
        account.password = "seven-quiet-lanterns-41"
        await world.services.administration.set_password(account.email, account.password, OPERATOR)
    else:
        await world.reset_mfa(account)

    assert await rows_of(world, totp_setups) == []
    assert (await confirm(stranger, seen.code(world.clock))).json()["code"] == "login_expired"
    await at_enrollment(world, account)
    assert account.secret != seen.secret


async def test_pending_secrets_of_two_accounts_are_separate(world: World):
    """TOTP-12: pending secrets of two accounts do not meet."""
    alice, bob = await world.an_account(), await world.an_account("bob@student.com")
    first, second = await at_enrollment(world, alice), await at_enrollment(world, bob)

    assert alice.secret != bob.secret
    assert (await confirm(second, alice.code(world.clock))).json()["code"] == "invalid_code"
    assert (await confirm(first, alice.code(world.clock))).status_code == 200
    assert (await confirm(second, bob.code(world.clock))).status_code == 200


async def test_a_slow_phone_clock_is_reported_during_enrollment(world: World):
    """TOTP-14, UX: here too, with the tries that are left."""
    account = await world.an_account()
    browser = await at_enrollment(world, account)

    told = (await confirm(browser, account.code(world.clock, -6))).json()

    assert (told["code"], told["minutes_ago"], told["tries_left"]) == ("code_expired", 3, 4)


async def test_looking_at_the_secret_again_extends_nothing(world: World):
    """TOTP-10: looking at it again prolongs nothing."""
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    ends = (await rows_of(world, totp_setups))[0].expires_at
    world.clock.advance(minutes=7)

    await browser.post("/auth/mfa/enroll")

    assert (await rows_of(world, totp_setups))[0].expires_at == ends == world.clock.now() + timedelta(minutes=8)
