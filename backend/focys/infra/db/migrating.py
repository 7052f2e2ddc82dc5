"""What migrations share: refusing to destroy credentials, and turning stored secrets from one form into another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import sqlalchemy as sa
from alembic import context, op

from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.settings import load_settings

FLAG = "destroy-credentials"

BATCH = 200
"""How many secrets are rewritten at a time; who wants one of these rows waits no longer than for one statement."""

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
    .values(totp_secret=sa.bindparam("anew"))
)


def refuse_to_destroy(table: str, what: str, *, where: str = "1 = 1") -> None:
    """Stop a downgrade that would lose rows people depend on, unless it was asked for by name.

    Raises:
        SystemExit: there are such rows and ``-x destroy-credentials=yes`` was not given.
    """
    if context.get_x_argument(as_dictionary=True).get(FLAG) == "yes":
        return
    count = op.get_bind().execute(sa.text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar_one()  # noqa: S608  constants of the migrations
    if count:
        raise SystemExit(
            f"This downgrade would destroy {count} {what}. Nothing was changed.\n"
            f"If that is wanted: alembic -x {FLAG}=yes downgrade -1"
        )


@contextmanager
def without_transaction() -> Iterator[None]:
    """Commit what was migrated so far, and let each statement of the block be a transaction of its own.

    So that no lock is held for longer than one statement. What is done here has to be fit to be done again. On SQLite,
    where an upgrade is alone with its file anyway, it stays inside the one transaction.
    """
    if op.get_bind().dialect.name == "sqlite":
        yield
        return
    with op.get_context().autocommit_block():
        yield


def rewrite_secrets(change: Callable[[SecretBox, str, UUID], str]) -> None:
    """Replace every stored secret by what *change* makes of it, unless somebody else has changed it meanwhile.

    Raises:
        UnreadableSecretError: one cannot be opened with the keys at hand.
    """
    connection, box, after = op.get_bind(), None, UUID(int=0)
    while rows := connection.execute(_NEXT, {"after": after}).all():
        box = box or SecretBox(KeyRing(load_settings().keys))
        anew = [
            {"owner": row.id, "as_read": row.totp_secret, "anew": change(box, row.totp_secret, row.id)} for row in rows
        ]
        if changed := [values for values in anew if values["anew"] != values["as_read"]]:
            connection.execute(_REPLACE, changed)
        after = rows[-1].id


def forget_former_secrets() -> None:
    """Rewrite the table, so that replaced values do not remain in its file either."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        return
    if connection.execute(_NEXT, {"after": UUID(int=0)}).first() is not None:
        connection.exec_driver_sql("VACUUM FULL users")
