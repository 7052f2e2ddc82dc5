"""What migrations share: refusing to destroy credentials, and turning stored secrets from one form into another."""

from collections.abc import Callable
from uuid import UUID

import sqlalchemy as sa
from alembic import context, op

from focys.infra.keys import KeyRing
from focys.infra.secret_box import SecretBox
from focys.settings import load_settings

FLAG = "destroy-credentials"

_users = sa.table("users", sa.column("id", sa.Uuid), sa.column("totp_secret", sa.Text))


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


def rewrite_secrets(change: Callable[[SecretBox, str, UUID], str]) -> None:
    """Replace every stored secret by what *change* makes of it.

    Raises:
        UnreadableSecretError: one cannot be opened with the keys at hand.
    """
    connection = op.get_bind()
    rows = connection.execute(sa.select(_users).where(_users.c.totp_secret.is_not(None))).all()
    box = SecretBox(KeyRing(load_settings().keys)) if rows else None
    for row in rows:
        assert box is not None  # noqa: S101  there is a row
        connection.execute(
            sa.update(_users).where(_users.c.id == row.id).values(totp_secret=change(box, row.totp_secret, row.id))
        )
