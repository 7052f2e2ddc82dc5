"""The guide's two sign-ins, end to end over HTTP."""

from datetime import timedelta

import pytest

from tests.support.attempts import offer_pair, pair, strangers_failed, use_backup_code
from tests.support.service import World


async def test_the_first_sign_in_enrolls_and_the_second_skips_the_mail(world: World):
    account = await world.an_account()
    browser = world.a_browser()

    done = await world.enroll(account, browser)

    assert done.json()["step"] == "done"
    assert len(done.json()["backup_codes"]) == 10
    assert done.json()["user"]["mfa_enabled"] is True
    me = await browser.me(done.json()["access_token"])
    assert me.json()["email"] == account.email
    assert me.json()["factors"] == ["totp", "backup_codes"]

    assert (await browser.post("/auth/logout")).status_code == 204
    assert (await browser.me(done.json()["access_token"])).status_code == 401

    browser = await world.at_second_factor(account, browser)
    again = await browser.offer(account.code(world.clock))
    assert again.status_code == 200, again.text
    assert again.json()["user"]["backup_codes_left"] == 10


@pytest.mark.parametrize("failures", [5, 10, 15])
@pytest.mark.parametrize("way", ["two codes in a row", "a backup code"])
async def test_a_locked_owner_need_not_wait(world: World, failures: int, way: str):
    """AVL-08: the owner holds a factor; a guesser does not."""
    account = await world.an_account(enrolled=True)
    await strangers_failed(world, account, failures, ago=timedelta(seconds=1))
    browser = await world.at_second_factor(account)

    single = await browser.offer(account.code(world.clock))
    if way == "a backup code":
        done = await use_backup_code(browser, account.backup_codes[0])
    else:
        done = await offer_pair(browser, pair(account, world, newest=1))

    assert single.json()["code"] == ("account_locked" if failures < 15 else "guarded")
    assert (done.status_code, done.json().get("step")) == (200, "done"), done.text


async def test_the_owner_is_emailed_about_what_is_new(world: World):
    """RCV-09: a factor and a browser; not a known browser, and a backup code has its own email."""
    account, browser = await world.an_account(), world.a_browser()

    async def news() -> list[str]:
        await world.deliver()
        subjects = [email.subject.partition(" · ")[0] for to, email in world.mail.emails if to == account.email]
        world.mail.emails.clear()
        return [subject for subject in subjects if "FOCYS code" not in subject]

    await world.enroll(account, browser)
    at_enrollment = await news()
    await world.signed_in(account, browser)
    in_the_same_browser = await news()
    await world.signed_in(account, world.a_browser("203.0.113.9"))
    elsewhere = await news()
    stranger = await world.at_second_factor(account, world.a_browser("203.0.113.10"))
    await use_backup_code(stranger, account.backup_codes[0])

    assert at_enrollment == ["A second step was added to your account"]
    assert in_the_same_browser == []
    assert elsewhere == ["New sign-in to your account"]
    assert await news() == ["A backup code was used"]
