"""How long each kind of row is kept after it has expired."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete

from focys.domain.lockout import MEMORY
from focys.features.bypass import mfa_bypasses
from focys.features.email_code import email_code_failures
from focys.features.lockout import second_factor_failures, surplus_forgotten, throttles
from focys.features.login import pending_logins
from focys.features.outbox import outbox
from focys.features.sessions import sessions
from focys.features.totp import totp_setups
from focys.infra.db.database import Change, Database

_KEPT = (
    (throttles, throttles.c.expires_at, timedelta(0)),
    (totp_setups, totp_setups.c.expires_at, timedelta(0)),
    (pending_logins, pending_logins.c.expires_at, timedelta(hours=1)),
    (sessions, sessions.c.expires_at, timedelta(days=30)),
    (mfa_bypasses, mfa_bypasses.c.ends_at, timedelta(days=90)),
    (outbox, outbox.c.done_at, timedelta(days=30)),
    (second_factor_failures, second_factor_failures.c.at, MEMORY),
    (email_code_failures, email_code_failures.c.at, MEMORY),
)
_FORGET = [
    (delete(table).where(column < bindparam(f"before_{table.name}")), table.name, keep) for table, column, keep in _KEPT
]


class HousekeepingRepository:
    """Deletes expired rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget(self, now: datetime) -> None:
        """Delete every row whose time has passed, table by table."""
        for statement, name, keep in _FORGET:
            await self._database.write(Change(statement, {f"before_{name}": now - keep}))
        await self._database.write(surplus_forgotten(now))
