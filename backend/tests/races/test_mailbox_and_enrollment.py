"""The first sign-in at the same moment in several places."""

from asyncio import gather
from dataclasses import replace

from tests.support.workers import Workers, code_of, tally


async def test_an_emailed_code_sent_twenty_times_at_once_works_once(workers: Workers):
    account = await workers.an_account()
    browser = workers.a_browser()
    await browser.sign_in_with_password(account)
    entry = {"code": await workers.mailed_code(account)}

    responses = await workers.at_once(account, *(browser.post("/auth/email-code/verify", entry) for _ in range(20)))

    told = tally(responses)
    assert told["enroll"] == 1
    # While five are being compared, the others have no try left.
    assert set(told) <= {"enroll", "login_expired", "throttled", "new_code_needed"}
    assert await workers.rows_of("pending_logins", account.id, "step = 'enroll'") == 1


async def test_five_of_many_parallel_wrong_emailed_codes_are_compared(workers: Workers):
    account = await workers.an_account()
    browser = workers.a_browser()
    await browser.sign_in_with_password(account)
    code = await workers.mailed_code(account)
    guesses = [f"{(int(code) + i) % 1_000_000:06}" for i in range(1, 41)]

    responses = await gather(*(browser.post("/auth/email-code/verify", {"code": guess}) for guess in guesses))
    right = await browser.post("/auth/email-code/verify", {"code": code})

    told = tally(responses)
    assert await workers.rows_of("email_code_failures", account.id) == 5
    assert told["invalid_code"] == 4
    assert set(told) <= {"invalid_code", "new_code_needed", "throttled"}
    assert right.json()["code"] == "new_code_needed"


async def test_a_right_emailed_code_sent_twice_at_once_is_not_charged(workers: Workers):
    """EOTP-07: ten wrong ones make the codes long; a right one does not count."""
    left = []
    for _ in range(20):
        account, browser = await workers.an_account(), workers.a_browser()
        await browser.sign_in_with_password(account)
        entry = {"code": await workers.mailed_code(account)}
        responses = tally(await gather(*(browser.post("/auth/email-code/verify", entry) for _ in range(2))))
        assert responses == {"enroll": 1, "login_expired": 1}
        left.append(await workers.rows_of("email_code_failures", account.id))

    assert sum(left) == 0


async def test_a_shared_emailed_code_works_once_in_each_login(workers: Workers):
    """EOTP-06, EOTP-08: after three codes a network's logins take the last emailed one, and none ends another."""
    account, network = await workers.an_account(), workers.a_browser().source
    browsers = [workers.a_browser(network) for _ in range(6)]
    for browser in browsers:
        assert await browser.sign_in_with_password(account) == "email_code"
    entry = {"code": await workers.mailed_code(account)}
    sharing = browsers[2:]

    twice_each = [browser.post("/auth/email-code/verify", entry) for browser in sharing for _ in range(2)]
    responses = tally(await gather(*twice_each))
    later = tally([await browser.post("/auth/email-code/verify", entry) for browser in sharing])

    assert await workers.rows_of("outbox", account.id, "kind = 'email_code'") == 3
    assert set(responses) <= {"enroll", "login_expired", "throttled"}
    assert responses["enroll"] + later.get("enroll", 0) == len(sharing)
    assert await workers.rows_of("pending_logins", account.id, "step = 'enroll'") == len(sharing)


async def test_two_browsers_confirming_at_once_enroll_one_factor(workers: Workers):
    """FLOW-12: each saw its own secret, and the winner's becomes the account's."""
    account = await workers.an_account()
    (one,) = await workers.at_enrollment(account)
    first = account.secret
    (other,) = await workers.at_enrollment(account)
    second = account.secret
    entries = [{"code": code_of(replace(account, secret=secret))} for secret in (first, second)]

    responses = await workers.at_once(
        account,
        one.post("/auth/mfa/confirm", entries[0], worker=0),
        other.post("/auth/mfa/confirm", entries[1], worker=1),
    )

    assert first != second
    assert sorted(response.status_code for response in responses) == [200, 409]
    assert tally(responses) == {"done": 1, "enrolment_expired": 1}
    won = next(response for response in responses if response.is_success)
    account.secret, used = (first, entries[0]) if won is responses[0] else (second, entries[1])
    assert await workers.rows_of("totp_setups", account.id) == 0
    assert await workers.rows_of("backup_codes", account.id) == 10
    assert await workers.rows_of("sessions", account.id, "revoked_at IS NULL") == 1
    # The account has the factor that the winner saw, and the winner's backup codes.
    (again,) = await workers.at_second_factor(account)
    assert (await again.offer(used["code"])).json()["code"] in {"code_already_used", "code_expired"}
    entry = {"code": won.json()["backup_codes"][0]}
    assert (await again.post("/auth/backup-code/verify", entry)).json()["backup_codes_left"] == 9


async def test_confirming_while_another_tab_starts_over_keeps_the_confirmed_factor(workers: Workers):
    account = await workers.an_account()
    (browser,) = await workers.at_enrollment(account)
    shown = account.secret

    confirmed, restarted = await gather(
        browser.post("/auth/mfa/confirm", {"code": code_of(account)}, worker=0),
        browser.post("/auth/mfa/enroll", {"restart": True}, worker=1),
    )

    enrolled = await workers.scalar("SELECT mfa_enabled FROM users WHERE id = :id", id=account.id)
    assert enrolled is confirmed.is_success
    if confirmed.is_success:
        (again,) = await workers.at_second_factor(account)
        # The next code, for the current one is spent.
        assert (await again.offer(code_of(account, 1))).is_success
    else:
        assert restarted.json()["secret"] != shown


async def test_another_login_starting_over_does_not_disturb_the_confirmation(workers: Workers):
    """FLOW-12, TOTP-10: a pending secret belongs to its login."""
    account = await workers.an_account()
    (stranger,) = await workers.at_enrollment(account)
    (owner,) = await workers.at_enrollment(account)

    confirmed, *_ = await gather(
        owner.post("/auth/mfa/confirm", {"code": code_of(account)}, worker=0),
        *(stranger.post("/auth/mfa/enroll", {"restart": True}, worker=i) for i in range(1, 4)),
    )

    assert confirmed.is_success, confirmed.text
    assert await workers.rows_of("totp_setups", account.id) == 0
    (again,) = await workers.at_second_factor(account)
    assert (await again.offer(code_of(account, 1))).is_success


async def test_tabs_that_enroll_at_once_see_one_secret(workers: Workers):
    account = await workers.an_account()
    browser = workers.a_browser()
    await browser.sign_in_with_password(account)
    await browser.post("/auth/email-code/verify", {"code": await workers.mailed_code(account)})

    responses = await gather(*(browser.post("/auth/mfa/enroll") for _ in range(8)))

    assert len({response.json()["secret"] for response in responses}) == 1
    assert await workers.rows_of("totp_setups", account.id) == 1
