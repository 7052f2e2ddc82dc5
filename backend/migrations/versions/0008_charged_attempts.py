"""Attempts that are charged before anything is compared, and authenticator secrets that belong to one login.

``totp_enrolments`` stays for the version before this one, which may still be serving; a later release drops it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
# The oldest version, named by its newest migration, that may serve after this one, unless a later one names another.
oldest_code = "0008"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("users", sa.Column("charge_seq", sa.BigInteger, server_default="0", nullable=False))
    op.add_column("second_factor_failures", sa.Column("strong", sa.Boolean, server_default=sa.false(), nullable=False))
    op.add_column("second_factor_failures", sa.Column("network", sa.String(64)))
    op.add_column("pending_logins", sa.Column("code_source", sa.Uuid))
    op.create_table(
        "totp_setups",
        sa.Column("login_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("login_id", name="pk_totp_setups"),
        sa.ForeignKeyConstraint(
            ["login_id"], ["pending_logins.id"], name="fk_totp_setups_login_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_totp_setups_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_totp_setups_user_id", "totp_setups", ["user_id"])


def downgrade() -> None:
    op.drop_table("totp_setups")
    with op.batch_alter_table("pending_logins") as logins:
        logins.drop_column("code_source")
    with op.batch_alter_table("second_factor_failures") as failures:
        failures.drop_column("network")
        failures.drop_column("strong")
    with op.batch_alter_table("users") as users:
        users.drop_column("charge_seq")
