"""Rows that another program wrote: no password is right for them, and the operator learns why."""

import pytest

from tests.support.hashing import record_comparisons
from tests.support.rows import execute
from tests.support.service import World

BCRYPT = "$2b$12$Q9mWjXn0pT1vR2sL3kY4ZeO5uC6iB7aD8fG9hJ0qX1wE2rT3yU4iS"
DJANGO = ["pbkdf2_sha256$600000$salt$hash", "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdHNhbHQ$aGFzaA"]


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    said = [record.msg for record in caplog.records if record.name == "focys.accounts"]
    return [line for line in said if isinstance(line, dict)]


@pytest.mark.parametrize("stored", [BCRYPT, *DJANGO, "", "plain"])
async def test_a_hash_of_another_program_is_named_by_the_accounts_id(
    world: World, caplog: pytest.LogCaptureFixture, stored: str
):
    """ADM-13: the log has no address, and the person learns nothing."""
    alice = await world.an_account()
    await execute(world, f"UPDATE users SET password_hash = '{stored}'")

    response = await world.a_browser().post("/auth/login", {"email": alice.email, "password": alice.password})

    [warning] = warnings_in(caplog)
    assert response.status_code == 401
    assert (warning["event"], warning["level"]) == ("password_hash_is_not_argon2", "warning")
    assert warning["user_id"] == str((await world.services.accounts.get(alice.email)).id)
    assert warning["fix"] == "focys users set-password ADDRESS"
    assert alice.email not in str(warnings_in(caplog))


async def test_a_hash_of_another_program_takes_the_same_work(world: World, monkeypatch: pytest.MonkeyPatch):
    """PWD-09: or the time would reveal that there is an account."""
    alice = await world.an_account()
    await execute(world, f"UPDATE users SET password_hash = '{BCRYPT}'")
    computed = record_comparisons(monkeypatch)

    await world.a_browser().post("/auth/login", {"email": alice.email, "password": alice.password})

    [(stored, _)] = computed
    assert stored.startswith("$argon2id$")


async def test_an_address_with_capitals_is_named_by_the_accounts_id(world: World, caplog: pytest.LogCaptureFixture):
    alice = await world.an_account()
    user_id = (await world.services.accounts.get(alice.email)).id
    await execute(world, "UPDATE users SET email = 'Alice@Student.com'")
    await world.services.foreign_rows.read()

    response = await world.a_browser().post("/auth/login", {"email": alice.email, "password": alice.password})

    [warning] = warnings_in(caplog)
    assert response.status_code == 401
    assert (warning["event"], warning["user_id"]) == ("address_has_capitals", str(user_id))
    assert warning["fix"] == "as the owner of the tables: UPDATE users SET email = lower(email)"


async def test_a_wrong_password_for_a_row_of_ours_is_no_warning(world: World, caplog: pytest.LogCaptureFixture):
    alice = await world.an_account()
    await world.services.foreign_rows.read()

    for address in (alice.email, "nobody@student.com"):
        await world.a_browser().post("/auth/login", {"email": address, "password": "wrong"})

    assert warnings_in(caplog) == []
