"""What the tests of ``focys doctor`` share: its lines, and accounts that it reads."""

from typing import Any
from uuid import uuid4

from sqlalchemy import create_engine, text

from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from tests.conftest import SECRET_KEY, settings_for

OTHER_KEY = "another-key-of-the-tests-that-is-long-enough-987"


def line_of(output: str, name: str) -> str:
    """The line of ``--support`` about one thing."""
    found = [line for line in output.splitlines() if line[6:].startswith(f"{name}  ")]
    assert len(found) == 1, output
    return found[0]


def execute(url: str, sql: str, **values: Any) -> None:
    """Change a database behind the service's back."""
    engine = create_engine(settings_for(url).database.replace("+aiosqlite", ""))
    with engine.begin() as connection:
        connection.execute(text(sql), values)
    engine.dispose()


def enrolled(url: str, number: int = 1, *, key: str = SECRET_KEY, offset: int = 0) -> None:
    """Put accounts with an authenticator sealed by *key* into a database of SQLite."""
    for _ in range(number):
        user = uuid4()
        sealed = SecretBox(KeyRing((key,))).seal("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", user)
        execute(
            url,
            "INSERT INTO users (id, email, password_hash, display_name, role, created_at, updated_at, totp_secret, "
            "mfa_enabled, totp_offset, attempt_seq, credential_epoch) VALUES (:id, :email, '$argon2id$x', 'Canary Name', 'user', "
            "'2026-01-01', '2026-01-01', :sealed, 1, :offset, 0, 0)",
            id=user.hex,
            email=f"canary-{user.hex}@student.com",
            sealed=sealed,
            offset=offset,
        )
