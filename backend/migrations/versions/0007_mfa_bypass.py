"""Time-boxed bypasses of the second step, and the mark on sessions that were opened under one.

A downgrade ends both: no bypass and no session of one outlives it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "mfa_bypasses",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("begins_at", _MOMENT, nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_mfa_bypasses"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_mfa_bypasses_user_id", ondelete="CASCADE"),
    )
    op.add_column("sessions", sa.Column("bypass_id", sa.Uuid))


def downgrade() -> None:
    op.execute("DELETE FROM sessions WHERE bypass_id IS NOT NULL")
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_column("bypass_id")
    op.drop_table("mfa_bypasses")
