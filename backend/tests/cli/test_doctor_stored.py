"""The doctor on the way to the database, and on rows that another program wrote."""

from ssl import SSLCertVerificationError

import pytest

from focys.cli.doctor.checks_database import Names, connection_fix
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


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"host": "localhost", "sslmode": "verify-full"}, "the server's certificate is verified"),
        ({"host": "db", "sslmode": "verify-ca"}, "any server with a certificate of the same authority"),
        ({"host": "db", "sslmode": "require", "sslrootcert": "ca.pem"}, "any server with a certificate of the same"),
        ({"host": "db", "sslmode": "require"}, "the server's certificate is not verified"),
        ({"host": "db", "sslrootcert": "ca.pem"}, "the server's certificate is not verified"),
    ],
)
def test_the_report_says_how_much_of_the_certificate_is_verified(options: dict[str, str], told: str):
    """CFG-14: as the driver does it."""
    assert told in encryption_finding(options, is_encrypted=True).detail


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (SSLCertVerificationError(1, "certificate verify failed"), "sslrootcert or PGSSLROOTCERT"),
        (ConnectionError('PostgreSQL server at "h:1" rejected SSL upgrade'), "turn TLS on in PostgreSQL"),
    ],
)
def test_a_connection_that_fails_for_its_certificate_has_its_own_fix(cause: Exception, told: str):
    """CFG-14: not the advice to restart PostgreSQL."""
    assert told in connection_fix(cause, Names())


async def test_rows_of_another_program_are_found(world: World):
    """ADM-13: where there are both kinds, each is reported with its fix."""
    await world.an_account("dana@student.com")
    await world.an_account("ren@student.com")
    assert accounts_finding(await world.services.accounts.count_unusable()).state is OK

    await execute(world, "UPDATE users SET email = 'Ren@Student.com' WHERE email LIKE 'ren%'")
    await execute(world, "UPDATE users SET password_hash = 'pbkdf2_sha256$1$x$y' WHERE email LIKE 'dana%'")

    assert await world.services.accounts.count_unusable() == Unusable(addresses=1, hashes=1)
    assert accounts_finding(Unusable(1, 0)).state is FAIL
    assert accounts_finding(Unusable(0, 1)).fix.startswith("focys users set-password")
    both = accounts_finding(Unusable(2, 3))
    assert "2 with capitals in the address" in both.detail
    assert "3 with a password hash that is not Argon2" in both.detail
    assert "email = lower(email); then focys users set-password ADDRESS" in both.fix
