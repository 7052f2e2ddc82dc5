"""Second-factor attempts at the same moment, over several processes: nothing is examined, spent or opened twice."""

from asyncio import gather
from typing import Any

import pytest

from focys.features.lockout import second_factor_failures
from focys.features.totp import TotpFactor
from tests.support.rows import count_of
from tests.support.service import World
from tests.support.workers import Workers, code_of, tally, wrong_codes


async def test_guesses_over_four_workers_are_five_in_all_despite_a_crash(workers: Workers):
    account = await workers.an_account(enrolled=True)
    (attacker,) = await workers.at_second_factor(account)
    guesses = wrong_codes(account, 5)

    before = [await attacker.offer(guess, worker=i) for i, guess in enumerate(guesses[:3])]
    for server in workers.servers[2:]:
        server.kill()
        server.start()
    for server in workers.servers[2:]:
        server.wait()
    after = [await attacker.offer(guess, worker=i) for i, guess in enumerate(guesses[3:], start=3)]
    right = await attacker.offer(code_of(account), worker=2)

    assert [response.json().get("tries_left") for response in before + after] == [4, 3, 2, 1, None]
    assert tally(after) == {"invalid_code": 1, "account_locked": 1}
    assert right.json()["code"] == "account_locked"
    assert await workers.rows_of("second_factor_failures", account.id) == 5
    assert await workers.rows_of("sessions", account.id) == 0


async def test_five_of_a_hundred_parallel_guesses_are_compared(workers: Workers):
    account = await workers.an_account(enrolled=True)
    attackers = await workers.at_second_factor(account, browsers=5)
    guesses = wrong_codes(account, 100)

    responses = await gather(*(attackers[i % 5].offer(guess) for i, guess in enumerate(guesses)))

    told = tally(responses)
    assert await workers.rows_of("second_factor_failures", account.id) == 5
    assert told["invalid_code"] == 4
    assert set(told) <= {"invalid_code", "account_locked", "throttled"}
    assert tally([await attackers[0].offer(code_of(account))]) == {"account_locked": 1}


async def test_a_code_sent_twenty_times_at_once_opens_one_session(workers: Workers):
    """TOTP-05: the session and the new backup codes are part of the write that uses the code up."""
    account = await workers.an_account(enrolled=True)
    await workers.run(f"DELETE FROM backup_codes WHERE user_id = '{account.id}'")
    browsers = await workers.at_second_factor(account, browsers=5)
    code = code_of(account)

    responses = await gather(*(browsers[i % 5].offer(code) for i in range(20)))
    later = await gather(*(browser.offer(code) for browser in await workers.at_second_factor(account, browsers=2)))

    assert tally(responses)["done"] == 1
    assert tally(later) == {"code_already_used": 2}
    assert await workers.rows_of("sessions", account.id) == 1
    assert await workers.rows_of("backup_codes", account.id) == 10
    assert await workers.rows_of("second_factor_failures", account.id) == 0


async def test_a_backup_code_sent_twenty_times_at_once_opens_one_session(workers: Workers):
    account = await workers.an_account(enrolled=True)
    browsers = await workers.at_second_factor(account, browsers=5)
    entry = {"code": account.backup_codes[4]}

    responses = await gather(*(browsers[i % 5].post("/auth/backup-code/verify", entry) for i in range(20)))

    assert tally(responses)["done"] == 1
    assert "invalid_code" not in tally(responses)
    assert await workers.rows_of("sessions", account.id) == 1
    assert await workers.rows_of("backup_codes", account.id, "spent_at IS NOT NULL") == 1
    # While five tries are being compared, a single code is refused, but backup codes are not: ten more per network.
    assert await workers.rows_of("second_factor_failures", account.id, "NOT strong") <= 5
    for browser in browsers:
        here = f"strong AND network = '{browser.source}'"
        assert await workers.rows_of("second_factor_failures", account.id, here) <= 10


async def test_a_login_is_completed_once_with_one_proof(workers: Workers):
    account = await workers.an_account(enrolled=True)
    (browser,) = await workers.at_second_factor(account)
    login_token = browser.http.cookies["focys_login"]
    proofs = [{"code": code} for code in account.backup_codes]

    responses = await gather(
        browser.offer(code_of(account)), *(browser.post("/auth/backup-code/verify", proof) for proof in proofs)
    )
    browser.http.cookies.set("focys_login", login_token)
    again = await browser.post("/auth/backup-code/verify", proofs[0])

    told = tally(responses)
    assert told["done"] == 1
    # While five backup codes are being compared, the app's codes have no try left.
    assert set(told) <= {"done", "login_expired", "throttled", "account_locked"}
    assert again.json()["code"] == "login_expired"
    assert await workers.rows_of("sessions", account.id) == 1
    spent = await workers.rows_of("backup_codes", account.id, "spent_at IS NOT NULL")
    burned = await workers.scalar("SELECT count(*) FROM users WHERE id = :id AND totp_last_step > 0", id=account.id)
    assert spent + burned == 1


async def test_a_right_code_sent_twice_at_once_is_not_charged(workers: Workers):
    """LOCK-05: an impatient owner, a proxy that repeats; either of the two may come first."""
    left = []
    for _ in range(30):
        account = await workers.an_account(enrolled=True)
        (browser,) = await workers.at_second_factor(account)
        code = code_of(account)
        responses = tally(await gather(browser.offer(code), browser.offer(code)))
        assert responses == {"done": 1, "login_expired": 1}
        left.append(await workers.rows_of("second_factor_failures", account.id))

    assert sum(left) == 0


async def test_a_right_code_of_a_canceled_login_is_not_charged(world: World, monkeypatch: pytest.MonkeyPatch):
    """LOCK-05: canceled in another tab, after the code was compared and before anything was written."""
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    verify = TotpFactor.verify

    async def verify_and_cancel(*asked: Any) -> Any:
        proven = await verify(*asked)
        await browser.http.delete("/auth/login", headers={"Cookie": login_token})
        return proven

    login_token = f"focys_login={browser.http.cookies['focys_login']}"
    with monkeypatch.context() as patched:
        patched.setattr(TotpFactor, "verify", verify_and_cancel)
        refused = await browser.offer(account.code(world.clock))

    assert refused.json()["code"] == "login_expired"
    assert await count_of(world, second_factor_failures) == 0


async def test_twenty_logins_started_at_once_share_five_tries(workers: Workers):
    """FLOW-08: none ends another one, and none brings extra tries."""
    account = await workers.an_account(enrolled=True)
    browsers, [wrong] = [workers.a_browser() for _ in range(20)], wrong_codes(account, 1)
    credentials = {"email": account.email, "password": account.password}

    begun = await gather(*(browser.post("/auth/login", credentials) for browser in browsers))
    looked = await gather(*(browser.look() for browser in browsers))
    offered = await gather(*(browser.offer(wrong) for browser in browsers))

    assert tally(begun) == {"totp": 20}
    assert tally(looked) == {"totp": 20}
    assert await workers.rows_of("second_factor_failures", account.id) == 5
    assert tally(offered)["invalid_code"] == 4
    assert set(tally(offered)) <= {"invalid_code", "account_locked", "throttled"}


async def test_concurrent_logins_do_not_exceed_the_limit(workers: Workers):
    """FLOW-08: counted before they begin, so that none slips through; another network has its own count."""
    account = await workers.an_account(enrolled=True)
    network = workers.a_browser().source
    credentials = {"email": account.email, "password": account.password}

    async def begin(number: int) -> dict[str, int]:
        browsers = [workers.a_browser(network) for _ in range(number)]
        return tally(await gather(*(browser.post("/auth/login", credentials) for browser in browsers)))

    begun = [await begin(2) for _ in range(29)]
    last = await begin(4)
    elsewhere = await workers.a_browser().post("/auth/login", credentials)

    assert begun == [{"totp": 2}] * 29
    assert last == {"totp": 2, "throttled": 2}
    assert await workers.rows_of("pending_logins", account.id) == 61
    assert tally([elsewhere]) == {"totp": 1}


async def test_hammering_one_account_does_not_delay_another(workers: Workers):
    victim, owner = await workers.an_account(enrolled=True), await workers.an_account(enrolled=True)
    attackers = await workers.at_second_factor(victim, browsers=5)
    guesses = wrong_codes(victim, 120)

    hammered = gather(*(attackers[i % 5].offer(guess) for i, guess in enumerate(guesses)))
    (browser,) = await workers.at_second_factor(owner)
    done = await browser.offer(code_of(owner))
    responses = await hammered

    assert done.json()["step"] == "done"
    assert set(tally(responses)) <= {"invalid_code", "account_locked", "throttled"}
