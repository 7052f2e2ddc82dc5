"""The doctor on the way to the database, and on rows that another program wrote."""

import pytest

from focys.cli.doctor.checks_stored import accounts_finding, encryption_finding
from focys.cli.doctor.report import State
from focys.features.accounts import Unusable
from tests.support.rows import execute
from tests.support.service import World

OK, WARN, FAIL = State.OK, State.WARN, State.FAIL


@pytest.mark.parametrize(
    ("host", "mode", "is_encrypted", "state"),
    [
        ("", "", False, OK),
        ("/var/run/postgresql", "", False, OK),
        ("127.0.0.1", "", False, OK),
        ("localhost", "", False, OK),
        ("db", "", False, WARN),
        ("localhost,db", "", False, WARN),
        ("db", "require", True, WARN),
        ("db", "verify-ca", True, WARN),
        ("db", "verify-full", True, OK),
    ],
)
def test_a_connection_that_others_can_read_or_forge_is_reported(
    host: str, mode: str, *, is_encrypted: bool, state: State
):
    assert encryption_finding({"host": host, "sslmode": mode}, is_encrypted=is_encrypted).state is state


async def test_rows_of_another_program_are_found(world: World):
    await world.an_account("dana@student.com")
    await world.an_account("ren@student.com")
    assert accounts_finding(await world.services.accounts.count_unusable()).state is OK

    await execute(world, "UPDATE users SET email = 'Ren@Student.com' WHERE email LIKE 'ren%'")
    await execute(world, "UPDATE users SET password_hash = 'pbkdf2_sha256$1$x$y' WHERE email LIKE 'dana%'")

    assert await world.services.accounts.count_unusable() == Unusable(addresses=1, hashes=1)
    assert accounts_finding(Unusable(1, 0)).state is FAIL
    assert accounts_finding(Unusable(0, 1)).fix.startswith("focys users set-password")
