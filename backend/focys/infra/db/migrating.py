"""Helpers for migrations: refusing to destroy what people or operators need, and rewriting stored secrets."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

import sqlalchemy as sa
from alembic import context, op

from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.settings import load_settings

CREDENTIALS = "destroy-credentials"
RECORDS = "destroy-records"

BATCH = 200
"""Secrets rewritten per statement; anyone else who needs one of these rows waits for one statement at most."""

_users = sa.table("users", sa.column("id", sa.Uuid), sa.column("totp_secret", sa.Text))
_NEXT = (
    sa.select(_users)
    .where(_users.c.totp_secret.is_not(None), _users.c.id > sa.bindparam("after"))
    .order_by(_users.c.id)
    .limit(BATCH)
)
_REPLACE = (
    sa.update(_users)
    .where(_users.c.id == sa.bindparam("owner"), _users.c.totp_secret == sa.bindparam("as_read"))
    .values(totp_secret=sa.bindparam("rewritten"))
)


def refuse_to_destroy(rows: Mapping[str, str], *, flag: str = CREDENTIALS) -> None:
    """Stop a downgrade that would delete rows somebody depends on, unless the operator explicitly asked for it.

    *rows* says in words what the rows are, by the table and condition that select them.

    Raises:
        SystemExit: such rows exist, and ``-x FLAG=yes`` was not given.
    """
    if context.get_x_argument(as_dictionary=True).get(flag) == "yes":
        return
    if context.is_offline_mode():
        for which, what in rows.items():
            _stop_if_any(which, f"this downgrade would destroy {what}")
        return
    counts = {what: _count(which) for which, what in rows.items()}
    if any(counts.values()):
        found = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        given = "".join(f"-x {argument} " for argument in context.get_x_argument())
        raise SystemExit(
            f"This downgrade would destroy {found}. Nothing was changed.\n"
            f"If you want that: alembic {given}-x {flag}=yes downgrade {_wanted_revision()}"
        )


def _count(which: str) -> int:
    return int(op.get_bind().execute(sa.text(f"SELECT count(*) FROM {which}")).scalar_one())  # noqa: S608  constants of the migrations


def _wanted_revision() -> str:
    """Return what the operator asked to downgrade to."""
    return str(getattr(context.config.cmd_opts, "revision", "-1"))


@contextmanager
def without_transaction() -> Iterator[None]:
    """Commit the migration so far, and run each statement in the block in its own transaction.

    That way no lock is held for longer than one statement. The block must be safe to run again. On SQLite, where
    nothing else uses the file during an upgrade, everything stays in one transaction.
    """
    if op.get_context().dialect.name == "sqlite":
        yield
        return
    with op.get_context().autocommit_block():
        yield


def rewrite_secrets(change: Callable[[SecretBox, str, UUID], str]) -> None:
    """Replace every stored secret with the result of *change*, unless it was changed in the meantime.

    Raises:
        UnreadableSecretError: a secret cannot be decrypted with the configured keys.
    """
    if context.is_offline_mode():
        _stop_if_any("users WHERE totp_secret IS NOT NULL", "secrets can only be rewritten by alembic without --sql")
        return
    connection, box, after = op.get_bind(), None, UUID(int=0)
    while rows := connection.execute(_NEXT, {"after": after}).all():
        box = box or SecretBox(KeyRing(load_settings().keys))
        values = [
            {"owner": row.id, "as_read": row.totp_secret, "rewritten": change(box, row.totp_secret, row.id)}
            for row in rows
        ]
        if changed := [one for one in values if one["rewritten"] != one["as_read"]]:
            connection.execute(_REPLACE, changed)
        after = rows[-1].id


def forget_former_secrets() -> None:
    """Rewrite the table's file, so that it no longer contains the replaced values."""
    if context.is_offline_mode():
        return
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        return
    if connection.execute(_NEXT, {"after": UUID(int=0)}).first() is not None:
        connection.exec_driver_sql("VACUUM FULL users")


def _stop_if_any(which: str, why: str) -> None:
    """Print a statement that fails if there are such rows."""
    rows = f"SELECT 1 FROM {which}"  # noqa: S608  constants of the migrations
    op.execute(f"DO $$ BEGIN IF EXISTS ({rows}) THEN RAISE EXCEPTION '{why}'; END IF; END $$")
