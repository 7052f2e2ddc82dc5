"""``focys backup verify`` on backups of earlier versions: checked as they are, then migrated in the scratch database."""

import asyncio
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest

from focys.features.totp import new_secret
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.db.schema import migrate
from tests.cli.conftest import Verify
from tests.cluster import Cluster
from tests.conftest import SECRET_KEY, settings_for
from tests.support.dumps import line_of, pg_dump, states_of

BOX = SecretBox(KeyRing((SECRET_KEY,)))


class Older:
    """A database at an earlier version's schema."""

    def __init__(self, url: str, revision: str) -> None:
        self.url = url
        migrate(settings_for(url).database, revision)

    def run(self, sql: str, *values: object) -> None:
        self._ask("execute", sql, *values)

    def value(self, sql: str) -> object:
        return self._ask("fetchval", sql)

    def an_account(self, number: int, secret: str | None) -> UUID:
        """A user with this value in the authenticator's column."""
        user_id = uuid4()
        self.run(
            "INSERT INTO users (id, email, password_hash, display_name, created_at, updated_at, totp_secret, mfa_enabled)"
            " VALUES ($1, $2, '$argon2id$x', 'P', now(), now(), $3, $4)",
            user_id,
            f"p{number}@student.com",
            secret,
            secret is not None,
        )
        return user_id

    def a_set_up(self, owner: UUID, secret: str) -> None:
        """A user at the QR code, from before each login had its own secret."""
        self.run(
            "INSERT INTO totp_enrolments (user_id, secret, created_at, expires_at)"
            " VALUES ($1, $2, now(), now() + interval '15 minutes')",
            owner,
            secret,
        )

    def _ask(self, verb: str, sql: str, *values: object) -> object:
        async def ask() -> object:
            connection = await asyncpg.connect(self.url)
            try:
                return await getattr(connection, verb)(sql, *values)
            finally:
                await connection.close()

        return asyncio.run(ask())


@pytest.fixture
def older(cluster: Cluster) -> Iterator[Callable[[str], Older]]:
    """Make a database as an earlier version left it."""
    names: list[str] = []

    def make(revision: str) -> Older:
        names.append(f"older_{uuid4().hex[:8]}")
        return Older(cluster.create_database(names[-1]), revision)

    yield make
    for name in names:
        cluster.drop_database(name)


def test_a_backup_from_before_an_upgrade_is_migrated_on_trial(older: Callable[[str], Older], verify: Verify):
    """CRY-05, CFG-08: as the guide's earlier version left it."""
    database, secrets = older("0002"), [new_secret() for _ in range(3)]
    for number, secret in enumerate(secrets):
        database.an_account(number, secret)

    result = verify(pg_dump(database.url))

    assert result.exit_code == 1
    assert database.value("SELECT version_num FROM alembic_version") == "0002"
    assert "at 0002; 0003, 0004, 0005, 0006, 0007, 0008, 0009, 0010, 0011 can be applied" in line_of(result, "schema")
    assert "3 in users.totp_secret" in line_of(result, "plaintext")
    assert "SECRET_KEY decrypts all 3" in line_of(result, "secrets")
    assert "3 accounts, 3 with an authenticator" in line_of(result, "accounts")
    assert not [secret for secret in secrets if secret in result.output]


def test_a_backup_of_the_previous_version_passes_without_its_pending_enrollments(
    older: Callable[[str], Older], verify: Verify
):
    """CFG-08: in that version a set-up belongs to no login, so it starts over."""
    database, secret, pending = older("0007"), new_secret(), new_secret()
    database.an_account(0, None)
    owner = database.an_account(1, None)
    database.run("UPDATE users SET totp_secret = $2, mfa_enabled = true WHERE id = $1", owner, BOX.seal(secret, owner))
    database.a_set_up(owner, BOX.seal(pending, owner))

    result = verify(pg_dump(database.url))

    assert result.exit_code == 0, result.output
    assert database.value("SELECT version_num FROM alembic_version") == "0007"
    assert {name: state for name, state in states_of(result).items() if state != "ok"} == {"schema": "warn"}
    assert "at 0007; 0008, 0009, 0010, 0011 can be applied" in line_of(result, "schema")
    assert "2 accounts, 1 with an authenticator; 0 enrollments, 0 open sessions" in line_of(result, "accounts")
    assert "SECRET_KEY decrypts all 1" in line_of(result, "secrets")


@pytest.mark.parametrize(
    "secret", ["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "JBSWY3DPEHPK3PXP"], ids=["160 bits", "80 bits"]
)
def test_a_plaintext_pending_secret_of_the_previous_version_fails(
    older: Callable[[str], Older], verify: Verify, secret: str
):
    """CRY-08, CRY-05: of whatever length."""
    database = older("0007")
    database.a_set_up(database.an_account(0, None), secret)

    result = verify(pg_dump(database.url))

    assert result.exit_code == 1
    assert "1 in totp_enrolments.secret" in line_of(result, "plaintext")
