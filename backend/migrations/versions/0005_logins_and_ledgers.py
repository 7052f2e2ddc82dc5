"""Logins under way, known browsers, and the ledgers of failures."""

import sqlalchemy as sa
from alembic import op

from focys.infra.db.migrating import RECORDS, refuse_to_destroy

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_NEW_COLUMNS = ("totp_last_step", "totp_offset", "attempt_seq", "credential_epoch", "password_changed_at")


def upgrade() -> None:
    op.add_column("users", sa.Column("totp_last_step", sa.BigInteger))
    op.add_column("users", sa.Column("totp_offset", sa.SmallInteger))
    op.add_column("users", sa.Column("attempt_seq", sa.BigInteger, server_default="0", nullable=False))
    op.add_column("users", sa.Column("credential_epoch", sa.Integer, server_default="0", nullable=False))
    op.add_column("users", sa.Column("password_changed_at", _MOMENT))
    op.create_table(
        "browsers",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("last_seen_at", _MOMENT, nullable=False),
        sa.Column("trusted_until", _MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_browsers"),
        _owner("browsers"),
        sa.UniqueConstraint("user_id", "token_hash", name="uq_browsers_user_id_token_hash"),
    )
    op.create_index("ix_browsers_token_hash", "browsers", ["token_hash"])
    op.create_table(
        "totp_enrolments",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_totp_enrolments"),
        _owner("totp_enrolments"),
    )
    op.create_table(
        "pending_logins",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("handle_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("step", sa.String(20), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("consumed_at", _MOMENT),
        sa.Column("code_issue", sa.Integer, nullable=False),
        sa.Column("code_long", sa.Boolean, nullable=False),
        sa.Column("code_tries", sa.Integer, nullable=False),
        sa.Column("code_sent_at", _MOMENT),
        sa.Column("code_expires_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_pending_logins"),
        _owner("pending_logins"),
        sa.UniqueConstraint("handle_hash", name="uq_pending_logins_handle_hash"),
    )
    op.create_index("ix_pending_logins_user_id_created_at", "pending_logins", ["user_id", "created_at"])
    op.create_table(
        "second_factor_failures",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("browser_id", sa.Uuid),
        sa.Column("login_id", sa.Uuid),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_second_factor_failures"),
        _owner("second_factor_failures"),
        sa.ForeignKeyConstraint(
            ["browser_id"], ["browsers.id"], name="fk_second_factor_failures_browser_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_second_factor_failures_user_id_at", "second_factor_failures", ["user_id", "at"])
    op.create_table(
        "email_code_failures",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_email_code_failures"),
        _owner("email_code_failures"),
    )
    op.create_index("ix_email_code_failures_user_id_at", "email_code_failures", ["user_id", "at"])
    op.create_table(
        "throttles",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("hits", sa.Integer, nullable=False),
        sa.Column("last_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_throttles"),
    )
    op.create_index("ix_throttles_expires_at", "throttles", ["expires_at"])


def downgrade() -> None:
    refuse_to_destroy(
        {
            "second_factor_failures": "counted wrong codes, with the locks that follow from them",
            "throttles": "counters of tries",
            "browsers": "known browsers",
        },
        flag=RECORDS,
    )
    tables = (
        "throttles",
        "email_code_failures",
        "second_factor_failures",
        "pending_logins",
        "totp_enrolments",
        "browsers",
    )
    for table in tables:
        op.drop_table(table)
    with op.batch_alter_table("users") as users:
        for column in _NEW_COLUMNS:
            users.drop_column(column)


def _owner(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE")
