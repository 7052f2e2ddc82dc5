"""The guide's two sign-ins, end to end over HTTP."""

from tests.support.service import World


async def test_the_first_sign_in_enrolls_and_the_second_uses_totp(world: World):
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
