"""The first sign-in at the same moment in several places."""

from asyncio import gather
from dataclasses import replace

from tests.support.workers import Workers, code_of, tally


async def test_a_mailed_code_is_consumed_once_however_often_it_is_sent_at_once(workers: Workers):
    account = await workers.an_account()
    browser = workers.a_browser()
    await browser.sign_in_with_password(account)
    entry = {"code": await workers.mailed_code(account)}

    answers = await workers.at_once(account, *(browser.post("/auth/email-code/verify", entry) for _ in range(20)))

    told = tally(answers)
    assert told["enroll"] == 1
    # While five are being compared, the others have no try left.
    assert set(told) <= {"enroll", "login_expired", "throttled", "new_code_needed"}
    assert await workers.rows_of("pending_logins", account.id, "step = 'enroll'") == 1


async def test_of_twenty_parallel_wrong_mailed_codes_five_are_examined(workers: Workers):
    account = await workers.an_account()
    browser = workers.a_browser()
    await browser.sign_in_with_password(account)
    code = await workers.mailed_code(account)
    guesses = [f"{(int(code) + i) % 1_000_000:06}" for i in range(1, 41)]

    answers = await gather(*(browser.post("/auth/email-code/verify", {"code": guess}) for guess in guesses))
    right = await browser.post("/auth/email-code/verify", {"code": code})

    told = tally(answers)
    assert await workers.rows_of("email_code_failures", account.id) == 5
    assert told["invalid_code"] == 4
    assert set(told) <= {"invalid_code", "new_code_needed", "throttled"}
    assert right.json()["code"] == "new_code_needed"


async def test_a_right_mailed_code_that_is_sent_twice_at_once_is_not_charged(workers: Workers):
    """EOTP-07: ten wrong ones make the codes long; a right one does not count."""
    left = []
    for _ in range(20):
        account, browser = await workers.an_account(), workers.a_browser()
        await browser.sign_in_with_password(account)
        entry = {"code": await workers.mailed_code(account)}
        answers = tally(await gather(*(browser.post("/auth/email-code/verify", entry) for _ in range(2))))
        assert answers == {"enroll": 1, "login_expired": 1}
        left.append(await workers.rows_of("email_code_failures", account.id))

    assert sum(left) == 0


async def test_a_mailed_code_that_several_logins_share_works_once_in_each(workers: Workers):
    """EOTP-06, EOTP-08: after three codes a network's logins take the last emailed one, and none ends another."""
    account, network = await workers.an_account(), workers.a_browser().source
    browsers = [workers.a_browser(network) for _ in range(6)]
    for browser in browsers:
        assert await browser.sign_in_with_password(account) == "email_code"
    entry = {"code": await workers.mailed_code(account)}
    sharing = browsers[2:]

    twice_each = [browser.post("/auth/email-code/verify", entry) for browser in sharing for _ in range(2)]
    answers = tally(await gather(*twice_each))
    later = tally([await browser.post("/auth/email-code/verify", entry) for browser in sharing])

    assert await workers.rows_of("outbox", account.id, "kind = 'email_code'") == 3
    assert set(answers) <= {"enroll", "login_expired", "throttled"}
    assert answers["enroll"] + later.get("enroll", 0) == len(sharing)
    assert await workers.rows_of("pending_logins", account.id, "step = 'enroll'") == len(sharing)


async def test_of_two_browsers_that_confirm_at_once_one_wins_and_one_factor_results(workers: Workers):
    """FLOW-12: each saw its own secret, and the winner's becomes the account's."""
    account = await workers.an_account()
    (one,) = await workers.at_enrollment(account)
    first = account.secret
    (other,) = await workers.at_enrollment(account)
    second = account.secret
    entries = [{"code": code_of(replace(account, secret=secret))} for secret in (first, second)]

    answers = await workers.at_once(
        account,
        one.post("/auth/mfa/confirm", entries[0], worker=0),
        other.post("/auth/mfa/confirm", entries[1], worker=1),
    )

    assert first != second
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert tally(answers) == {"done": 1, "enrolment_expired": 1}
    won = next(answer for answer in answers if answer.is_success)
    account.secret = first if won is answers[0] else second
    assert await workers.rows_of("totp_setups", account.id) == 0
    assert await workers.rows_of("backup_codes", account.id) == 10
    assert await workers.rows_of("sessions", account.id, "revoked_at IS NULL") == 1
    # The account has the factor that the winner saw, and the winner's backup codes.
    (again,) = await workers.at_second_factor(account)
    assert (await again.offer(code_of(account))).json()["code"] == "code_already_used"
    entry = {"code": won.json()["backup_codes"][0]}
    assert (await again.post("/auth/backup-code/verify", entry)).json()["backup_codes_left"] == 9


async def test_confirming_while_another_tab_starts_over_leaves_the_factor_that_was_confirmed(workers: Workers):
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


async def test_another_login_that_starts_over_at_once_does_not_disturb_the_one_that_confirms(workers: Workers):
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


async def test_tabs_that_open_the_set_up_at_once_are_shown_one_secret(workers: Workers):
    account = await workers.an_account()
    browser = workers.a_browser()
    await browser.sign_in_with_password(account)
    await browser.post("/auth/email-code/verify", {"code": await workers.mailed_code(account)})

    answers = await gather(*(browser.post("/auth/mfa/enroll") for _ in range(8)))

    assert len({answer.json()["secret"] for answer in answers}) == 1
    assert await workers.rows_of("totp_setups", account.id) == 1
