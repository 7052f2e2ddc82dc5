"""A change of password, and requests of other browsers at the same instant."""

from asyncio import gather

import httpx

from tests.support.service import PASSWORD, Account
from tests.support.workers import RemoteBrowser, Workers, code_of

NEW = "violet-quarry-tandem-77"


async def signed_in(workers: Workers, account: Account, number: int) -> tuple[RemoteBrowser, str]:
    """A browser that has just signed in, with the code of its own time step, and its access token."""
    (browser,) = await workers.at_second_factor(account)
    response = await browser.offer(code_of(account, number))
    return browser, str(response.json()["access_token"])


async def change(browser: RemoteBrowser, token: str, new: str = NEW) -> httpx.Response:
    browser.http.headers["Authorization"] = f"Bearer {token}"
    return await browser.post("/account/password", {"current_password": PASSWORD, "new_password": new})


async def test_a_refresh_elsewhere_comes_before_or_after_the_change(workers: Workers):
    """PWD-08: either way, the other session has ended, and this one continues."""
    account = await workers.an_account(enrolled=True)
    other, _ = await signed_in(workers, account, 0)
    browser, token = await signed_in(workers, account, 1)
    await workers.a_minute_later(account)

    changed, *refreshed = await gather(
        change(browser, token), *(one.post("/auth/refresh") for one in (other, browser) for _ in range(4))
    )

    assert changed.status_code == 204, changed.text
    assert {response.status_code for response in refreshed[:4]} <= {200, 401}
    assert {response.status_code for response in refreshed[4:]} == {200}
    assert (await other.post("/auth/refresh")).json()["code"] == "session_ended"
    assert (await browser.post("/auth/refresh")).status_code == 200
    assert await workers.rows_of("sessions", account.id, "revoked_at IS NULL") == 1


async def test_one_of_two_changes_at_once_is_made(workers: Workers):
    """PWD-08: the second one no longer has the right current password, or comes too early."""
    account = await workers.an_account(enrolled=True)
    browser, token = await signed_in(workers, account, 0)
    passwords = [NEW, "marble-lantern-harbor-52"]

    responses = await gather(*(change(browser, token, new) for new in passwords))

    codes = sorted(str(response.status_code) for response in responses)
    assert codes in (["204", "401"], ["204", "429"])
    account.password = passwords[[response.status_code for response in responses].index(204)]
    assert await workers.a_browser().sign_in_with_password(account) == "totp"
    assert await workers.rows_of("sessions", account.id, "revoked_at IS NULL") == 1


async def test_a_sign_in_during_the_change_comes_before_or_after_it(workers: Workers):
    """PWD-08: a session opened with the old password has ended."""
    account = await workers.an_account(enrolled=True)
    browser, token = await signed_in(workers, account, 0)
    (waiting,) = await workers.at_second_factor(account)

    changed, offered = await gather(change(browser, token), waiting.offer(code_of(account, 1)))

    assert {changed.status_code, offered.status_code} <= {200, 204, 401, 429}
    if changed.status_code == 204:
        assert (await waiting.post("/auth/refresh")).status_code != 200
    assert (await browser.post("/auth/refresh")).status_code == 200
