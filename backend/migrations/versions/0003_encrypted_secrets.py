"""TOTP secrets encrypted, in the same column."""

import sqlalchemy as sa
from alembic import op

from focys.infra.migrating import rewrite_secrets

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SEALED = "v1."


def upgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.alter_column("totp_secret", type_=sa.Text, existing_type=sa.String(32), existing_nullable=True)
    rewrite_secrets(lambda box, text, owner: text if text.startswith(_SEALED) else box.seal(text, owner))


def downgrade() -> None:
    rewrite_secrets(lambda box, text, owner: box.open(text, owner))
    with op.batch_alter_table("users") as users:
        users.alter_column("totp_secret", type_=sa.String(32), existing_type=sa.Text, existing_nullable=True)
