"""Step-ups, checks and new passwords at the same moment, over several processes: no more is compared than is charged."""

from asyncio import gather

import httpx
import pytest

from tests.support.service import PASSWORD, Account
from tests.support.workers import RemoteBrowser, Workers, code_of, tally, wrong_codes

CODES = 300
NEW = "violet-quarry-tandem-77"
SAID = {"invalid_code", "account_locked", "throttled"}


async def sessions_of(workers: Workers, account: Account, number: int) -> list[RemoteBrowser]:
    """Browsers that have signed in, each with the code of its own time step."""
    browsers = await workers.at_second_factor(account, browsers=number)
    for i, browser in enumerate(browsers):
        token = (await browser.offer(code_of(account, i))).json()["access_token"]
        browser.http.headers["Authorization"] = f"Bearer {token}"
        browser.http.cookies.delete("focys_browser")
    return browsers


async def step_up(browser: RemoteBrowser, code: str) -> httpx.Response:
    return await browser.post("/auth/step-up", {"code": code})


async def test_five_of_three_hundred_parallel_step_ups_are_compared(workers: Workers):
    """LOCK-02: however many sessions of the account they come from."""
    account = await workers.an_account(enrolled=True)
    browsers = await sessions_of(workers, account, 2)
    guesses = wrong_codes(account, CODES)

    responses = await gather(*(step_up(browsers[i % 2], guess) for i, guess in enumerate(guesses)))

    told = tally(responses)
    assert set(told) <= SAID
    assert told["invalid_code"] <= 5
    assert await workers.rows_of("second_factor_failures", account.id) <= 5
    assert await workers.rows_of("sessions", account.id, "stepped_up_at IS NOT NULL") == 0
    (owner,) = await workers.at_second_factor(account)
    assert owner is not None


async def test_a_code_sent_twenty_times_at_once_marks_one_session(workers: Workers):
    """TOTP-05: in step-ups and sign-ins together."""
    account = await workers.an_account(enrolled=True)
    browsers = await sessions_of(workers, account, 1)
    (elsewhere,) = await workers.at_second_factor(account)
    code = code_of(account, 1)

    responses = await gather(
        *(step_up(browsers[0], code) for _ in range(10)), *(elsewhere.offer(code) for _ in range(10))
    )

    assert sum(response.is_success for response in responses) == 1
    marked = await workers.rows_of("sessions", account.id, "stepped_up_at IS NOT NULL")
    assert marked + await workers.rows_of("sessions", account.id) == 2


@pytest.mark.parametrize("path", ["/auth/step-up/backup-code", "/account/password"])
async def test_no_more_passwords_are_compared_than_at_a_sign_in(workers: Workers, path: str):
    """LOCK-10: a stolen session is no way to guess the password faster."""
    account = await workers.an_account(enrolled=True)
    (browser,) = await sessions_of(workers, account, 1)
    bodies = [
        {"current_password": f"wrong-{i}", "new_password": NEW}
        if path == "/account/password"
        else {"code": account.backup_codes[0], "password": f"wrong-{i}"}
        for i in range(100)
    ]

    told = tally(await gather(*(browser.post(path, body) for body in bodies)))

    assert set(told) <= {"invalid_credentials", "throttled"}
    assert told["invalid_credentials"] <= 5
    assert await workers.a_browser().sign_in_with_password(account) == "totp"
    assert account.password == PASSWORD
