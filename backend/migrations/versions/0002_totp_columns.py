"""The two columns of the set-up guide: totp_secret and mfa_enabled."""

import sqlalchemy as sa
from alembic import op

from focys.infra.db.migrating import refuse_to_destroy

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("totp_secret", sa.String(32), nullable=True))
    op.add_column("users", sa.Column("mfa_enabled", sa.Boolean, server_default=sa.false(), nullable=False))


def downgrade() -> None:
    refuse_to_destroy({"users WHERE totp_secret IS NOT NULL": "enrolled authenticators"})
    with op.batch_alter_table("users") as users:
        users.drop_column("mfa_enabled")
        users.drop_column("totp_secret")
