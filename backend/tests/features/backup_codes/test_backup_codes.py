"""Backup codes: ten, shown once, each good for one sign-in of its owner."""

import re
from collections.abc import Callable

import pytest
from argon2 import extract_parameters

from focys.domain.crockford import ALPHABET
from focys.features.audit import audit_events
from focys.features.backup_codes import backup_codes
from focys.features.lockout import second_factor_failures
from tests.conftest import MakeWorld
from tests.support.attempts import WRONG_BACKUP_CODE, at_enrollment, confirm, fail, use_backup_code
from tests.support.numbers import hashes_computed
from tests.support.rows import count_of, rows_of
from tests.support.service import World

GROUPS = re.compile(rf"[{ALPHABET}]{{4}}(-[{ALPHABET}]{{4}}){{3}}")


async def test_ten_codes_of_eighty_bits_are_shown_once(world: World):
    """BKP-01: at the end of the enrollment, and in no later response."""
    account = await world.an_account(enrolled=True)

    browser, token = await world.signed_in(account)
    later = [
        await browser.me(token),
        await browser.post("/auth/refresh"),
        await browser.get("/auth/status"),
    ]

    assert len(set(account.backup_codes)) == 10
    assert len(ALPHABET) == 32
    assert all(GROUPS.fullmatch(code) for code in account.backup_codes)
    assert not any(code in response.text for code in account.backup_codes for response in later)
    assert [response.json().get("backup_codes_left") for response in later[:1]] == [10]


async def test_a_code_is_accepted_in_any_spelling(world: World):
    """BKP-01: case, dashes and spaces do not matter; O reads as 0, I and L as 1."""
    account = await world.an_account(enrolled=True)
    codes = sorted(account.backup_codes, key=lambda code: code.count("0") + code.count("1"))
    ways: tuple[Callable[[str], str], ...] = (
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: f"  {code.replace('-', ' ')} ",
        lambda code: code.replace("0", "O").replace("1", "I"),
        lambda code: code.lower().replace("0", "o").replace("1", "l"),
    )

    for way, code in zip(ways, codes[-len(ways) :], strict=True):
        browser = await world.at_second_factor(account)
        assert (await use_backup_code(browser, way(code))).status_code == 200, way(code)


async def test_only_argon2id_under_one_salt_is_stored(make_world: MakeWorld):
    async with make_world(password_hash_memory_kib=19 * 1024, password_hash_passes=2) as world:
        account = await world.an_account(enrolled=True)
        rows = await rows_of(world, backup_codes)

        hashes = [row.code_hash for row in rows]
        parameters = [extract_parameters(text) for text in hashes]
        assert len(set(hashes)) == 10
        assert len({text.split("$")[4] for text in hashes}) == 1
        assert {(p.type.name, p.memory_cost, p.time_cost) for p in parameters} == {("ID", 19 * 1024, 2)}
        assert not any(code.replace("-", "") in str(rows) for code in account.backup_codes)


async def test_two_accounts_do_not_share_a_salt(world: World):
    await world.an_account(enrolled=True)
    await world.an_account("bob@student.com", enrolled=True)

    assert len({row.code_hash.split("$")[4] for row in await rows_of(world, backup_codes)}) == 2


async def test_one_computation_checks_an_entry_against_the_whole_set(world: World):
    """BKP-02: the last code of ten costs what the first does, and a wrong one too."""
    account = await world.an_account(enrolled=True)

    for code in (WRONG_BACKUP_CODE, account.backup_codes[9], account.backup_codes[0]):
        browser = await world.at_second_factor(account)
        before = await hashes_computed(browser)
        await use_backup_code(browser, code)
        assert await hashes_computed(browser) - before == 1


async def test_each_backup_code_works_once(world: World):
    account = await world.an_account(enrolled=True)
    told = []

    for code in account.backup_codes:
        browser = await world.at_second_factor(account)
        told.append((await use_backup_code(browser, code)).json())
        again = (await use_backup_code(await world.at_second_factor(account), code)).json()
        assert (again["code"], again["tries_left"]) == ("code_already_used", 5)

    assert [response["backup_codes_left"] for response in told] == list(range(9, -1, -1))
    assert [response["user"]["backup_codes_left"] for response in told] == list(range(9, -1, -1))
    browser = await world.at_second_factor(account)
    assert (await use_backup_code(browser, WRONG_BACKUP_CODE)).json()["code"] == "invalid_code"
    assert (await browser.me(told[-1]["access_token"])).json()["factors"] == ["totp"]


async def test_a_used_code_is_recognized_with_one_hash_and_costs_no_try(world: World):
    account = await world.an_account(enrolled=True)
    for code in account.backup_codes[:2]:
        await use_backup_code(await world.at_second_factor(account), code)
    browser = await world.at_second_factor(account)
    before = await hashes_computed(browser)

    response = await use_backup_code(browser, account.backup_codes[1])

    assert (response.status_code, response.json()["code"]) == (401, "code_already_used")
    assert response.json()["detail"] == "That code has already been used. Enter another one."
    assert "retry_after" not in response.json()
    assert await hashes_computed(browser) - before == 1
    assert await count_of(world, second_factor_failures) == 0
    refused = {(row.event, row.reason) for row in await rows_of(world, audit_events) if row.outcome == "refused"}
    assert refused == {("MFA backup code", "code_already_used")}


async def test_a_used_code_costs_no_try_ten_times_an_hour(world: World):
    """BKP-08: a used code never expires, so trying it without end would otherwise be free."""
    account = await world.an_account(enrolled=True)
    used = account.backup_codes[0]
    await use_backup_code(await world.at_second_factor(account), used)
    browser = await world.at_second_factor(account)

    told = [(await use_backup_code(browser, used)).json() for _ in range(12)]
    world.clock.advance(hours=1)
    later = (await use_backup_code(await world.at_second_factor(account), used)).json()

    assert {response["code"] for response in [*told, later]} == {"code_already_used"}
    assert [response["tries_left"] for response in told] == [5] * 10 + [4, 3]
    assert later["tries_left"] == 3


@pytest.mark.parametrize("failures", [5, 15])
async def test_a_used_code_is_recognized_while_single_codes_are_refused(world: World, failures: int):
    account = await world.an_account(enrolled=True)
    await use_backup_code(await world.at_second_factor(account), account.backup_codes[0])
    browser = await fail(world, account, failures)
    charged = await count_of(world, second_factor_failures)

    response = await use_backup_code(browser, account.backup_codes[0])

    assert (response.status_code, response.json()["code"]) == (401, "code_already_used")
    assert await count_of(world, second_factor_failures) == charged
    assert (await use_backup_code(browser, account.backup_codes[1])).status_code == 200


async def test_another_accounts_used_code_is_wrong(world: World):
    alice = await world.an_account(enrolled=True)
    bob = await world.an_account("bob@student.com", enrolled=True)
    await use_backup_code(await world.at_second_factor(bob), bob.backup_codes[0])

    refused = await use_backup_code(await world.at_second_factor(alice), bob.backup_codes[0])

    assert (refused.json()["code"], refused.json()["tries_left"]) == ("invalid_code", 4)


async def test_another_accounts_code_is_refused_and_stays_unused(world: World):
    alice = await world.an_account(enrolled=True)
    bob = await world.an_account("bob@student.com", enrolled=True)

    refused = await use_backup_code(await world.at_second_factor(alice), bob.backup_codes[0])

    assert (refused.json()["code"], refused.json()["tries_left"]) == ("invalid_code", 4)
    assert (await use_backup_code(await world.at_second_factor(bob), bob.backup_codes[0])).status_code == 200


async def test_using_a_backup_code_is_audited_and_emailed(world: World):
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account, world.a_browser("203.0.113.5"))

    done = await use_backup_code(browser, account.backup_codes[0])
    await world.deliver()

    me = (await browser.me(done.json()["access_token"])).json()
    to, email = world.mail.emails[-1]
    events = [(row.event, row.outcome) for row in await rows_of(world, audit_events)]
    assert me["amr"] == ["pwd", "backup", "mfa"]
    assert (to, email.subject) == (account.email, "A backup code was used · FOCYS")
    assert "9" in " ".join(email.paragraphs)
    assert "203.0.113.5" in " ".join(email.paragraphs)
    assert account.backup_codes[0] not in str(email)
    assert ("MFA backup code", "ok") in events


async def test_using_a_backup_code_uses_up_no_totp_code(world: World):
    """BKP-03, TOTP-04: the code on the phone still works for the next sign-in."""
    account = await world.an_account(enrolled=True)
    code = account.code(world.clock)
    await use_backup_code(await world.at_second_factor(account), account.backup_codes[0])

    assert (await (await world.at_second_factor(account)).offer(code)).status_code == 200


async def test_a_reset_voids_the_set_and_the_next_enrollment_issues_another(world: World):
    account = await world.an_account(enrolled=True)
    old = account.backup_codes
    await world.reset_mfa(account)
    assert await rows_of(world, backup_codes) == []

    browser = await at_enrollment(world, account)
    new = (await confirm(browser, account.code(world.clock))).json()["backup_codes"]
    refused = await use_backup_code(await world.at_second_factor(account), old[0])

    assert not set(old) & set(new)
    assert refused.json()["code"] == "invalid_code"


async def test_no_endpoint_removes_the_second_factor(world: World):
    """BKP-05: neither after a backup code nor otherwise."""
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    token = (await use_backup_code(browser, account.backup_codes[0])).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    for method, path in (("POST", "/auth/mfa/disable"), ("DELETE", "/auth/mfa"), ("DELETE", "/auth/totp")):
        assert (await browser.http.request(method, path, headers=headers)).status_code in {404, 405}
    for path in ("/auth/mfa/enroll", "/auth/mfa/confirm"):
        body = {"code": account.code(world.clock)} if path.endswith("confirm") else {}
        assert (await browser.post(path, body, headers=headers)).json()["code"] == "login_expired"

    assert (await world.a_browser().sign_in_with_password(account)).json()["step"] == "totp"
