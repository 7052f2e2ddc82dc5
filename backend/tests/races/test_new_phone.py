"""Two browsers of one account that each set up a new phone."""

from tests.support.service import Account
from tests.support.workers import RemoteBrowser, Workers, code_of, tally


async def signed_in(workers: Workers, account: Account, steps: int) -> RemoteBrowser:
    (browser,) = await workers.at_second_factor(account)
    token = (await browser.offer(code_of(account, steps))).json()["access_token"]
    browser.http.headers["Authorization"] = f"Bearer {token}"
    return browser


async def test_of_two_that_confirm_at_once_one_wins_and_one_is_told(workers: Workers):
    """FLOW-12: one gets 409; the account has the winner's authenticator and session, and nothing else."""
    account = await workers.an_account(enrolled=True)
    browsers = [await signed_in(workers, account, steps) for steps in (-1, 0)]
    secrets = [(await browser.post("/account/authenticator")).json()["secret"] for browser in browsers]
    codes = [code_of(Account(account.id, account.email, account.password, secret)) for secret in secrets]

    responses = await workers.at_once(
        account,
        *(
            browser.post("/account/authenticator/confirm", {"code": code}, worker=number)
            for number, (browser, code) in enumerate(zip(browsers, codes, strict=True))
        ),
    )

    assert tally(responses) == {"ok": 1, "enrolment_expired": 1}
    assert sorted(response.status_code for response in responses) == [200, 409]
    assert await workers.rows_of("totp_setups", account.id) == 0
    assert await workers.rows_of("sessions", account.id, "revoked_at IS NULL") == 1
