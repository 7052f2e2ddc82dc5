"""Whatever breaks on the way: nobody gets in, the try is charged, and the database holds the old state or the new one."""

from typing import Any

import pytest

from focys.features.accounts import users
from focys.features.audit import audit_events
from focys.features.backup_codes import backup_codes
from focys.features.lockout import second_factor_failures
from focys.features.sessions import sessions
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.db.database import Database
from tests.support.acts import (
    CHARGES,
    Act,
    backup_code,
    charges_of,
    check_code,
    first_totp,
    logout,
    password,
    ready_for,
    refresh,
    state_of,
    step_up,
    with_charge,
    wrong_email_code,
    wrong_new_code,
    wrong_totp,
)
from tests.support.rows import count_of, rows_of
from tests.support.service import World


async def gone(*_: object, **__: object) -> None:
    """The behavior of a database method once the database cannot be reached."""
    raise OSError("the database is gone")


@pytest.mark.parametrize("fault", [RuntimeError("boom"), ValueError("boom"), MemoryError(), RecursionError()])
async def test_a_fault_while_checking_a_code_refuses_and_charges_it(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: BaseException
):
    """AVL-04: even the right code."""
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    before = await count_of(world, sessions)

    def fail(*_: object, **__: object) -> None:
        raise fault

    with monkeypatch.context() as patched:
        patched.setattr(SecretBox, "open", fail)
        responses = [await browser.offer(account.code(world.clock)) for _ in range(3)]

    assert {(response.status_code, response.json()["code"]) for response in responses} == {(500, "internal")}
    assert "focys_refresh" not in browser.http.cookies
    assert await count_of(world, sessions) == before
    assert await count_of(world, second_factor_failures) == 3
    assert (await browser.get("/auth/login")).json()["tries_left"] == 2
    assert [row.outcome for row in (await rows_of(world, audit_events)) if row.reason == "internal"] == ["refused"] * 3


async def test_a_fault_while_checking_a_backup_code_is_charged_and_uses_nothing_up(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    with monkeypatch.context() as patched:
        patched.setattr(world.services.hasher, "find_in_set", fail)
        response = await backup_code(world, account, browser)

    assert response.status_code == 500
    assert await count_of(world, second_factor_failures) == 1
    assert all(row.spent_at is None for row in await rows_of(world, backup_codes))
    assert (await backup_code(world, account, browser)).status_code == 200


async def test_a_fault_while_checking_the_first_code_is_charged_and_enrolls_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """AVL-04, TOTP-11: it is charged to the login, not to the account."""
    account, browser = await ready_for(world, first_totp)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    with monkeypatch.context() as patched:
        patched.setattr("focys.domain.totp.examine", fail)
        response = await first_totp(world, account, browser)

    assert response.status_code == 500
    assert await charges_of(world) == {"second_factor_failures": 0, "email_code_failures": 0, "code_tries": 1}
    [row] = await rows_of(world, users)
    assert (row.mfa_enabled, row.totp_secret) == (False, None)
    assert (await first_totp(world, account, browser)).status_code == 200


WRITE_FIRST = {step_up, check_code}
"""What writes a login of its own before it is charged."""
MOMENTS = [
    *(("charge", act) for act in CHARGES),
    *(("write", act) for act in (*CHARGES, password, refresh, logout)),
]


@pytest.mark.parametrize(("moment", "act"), MOMENTS)
async def test_a_database_fault_changes_nothing_but_the_charge(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str, act: Act
):
    """AVL-05, AVL-01: no code is accepted unless its use was recorded; what fails at the charge is not even charged."""
    account, browser = await ready_for(world, act)
    before, charged = await state_of(world, charges=False), await charges_of(world)

    with monkeypatch.context() as patched:
        patched.setattr(Database, moment, gone)
        response = await act(world, account, browser)

    assert (response.status_code, response.json()["code"], response.json()["retry_after"]) == (503, "unavailable", 5)
    assert "Set-Cookie" not in response.headers
    assert await state_of(world, charges=False) == before
    is_charged = moment == "write" and act not in WRITE_FIRST
    assert await charges_of(world) == (with_charge(charged, act) if is_charged else charged)
    assert (await act(world, account, browser)).is_success or act in {wrong_totp, wrong_email_code, wrong_new_code}


async def test_a_response_lost_after_the_write_leaves_the_code_used_up(world: World, monkeypatch: pytest.MonkeyPatch):
    """AVL-05: the other side of the crash."""
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    code, before = account.code(world.clock), await count_of(world, sessions)
    write = Database.write

    async def write_and_die(self: Database, *changes: Any, guard: Any = None) -> bool:
        await write(self, *changes, guard=guard)
        raise ConnectionResetError("gone after the commit")

    with monkeypatch.context() as patched:
        patched.setattr(Database, "write", write_and_die)
        lost = await browser.offer(code)
    again = await world.at_second_factor(account)

    assert lost.status_code == 503
    assert await count_of(world, sessions) == before + 1
    assert (await again.offer(code)).json()["code"] == "code_already_used"
