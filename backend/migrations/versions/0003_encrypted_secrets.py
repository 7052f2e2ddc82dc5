"""TOTP secrets encrypted, in the same column.

The column is widened at once; then the secrets are sealed batch by batch, while the earlier version may go on reading
and writing. It can be interrupted, and run again. Until it is through, whoever is sealed already cannot sign in to the
earlier version: nobody gets past the second step there meanwhile.
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from focys.infra.crypto.secret_box import SecretBox, UnreadableSecretError
from focys.infra.db.migrating import forget_former_secrets, rewrite_secrets, without_transaction

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SEALED = "v1."


def upgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.alter_column("totp_secret", type_=sa.Text, existing_type=sa.String(32), existing_nullable=True)
    with without_transaction():
        rewrite_secrets(_sealed)
        forget_former_secrets()
    # What the earlier version has written meanwhile.
    rewrite_secrets(_sealed)


def downgrade() -> None:
    rewrite_secrets(lambda box, text, owner: box.open(text, owner))
    with op.batch_alter_table("users") as users:
        users.alter_column("totp_secret", type_=sa.String(32), existing_type=sa.Text, existing_nullable=True)


def _sealed(box: SecretBox, text: str, owner: UUID) -> str:
    if text.startswith(_SEALED):
        return text
    sealed = box.seal(text, owner)
    # The one in clear is gone after this.
    if box.open(sealed, owner) != text:
        raise UnreadableSecretError
    return sealed
