"""When and how the owner of a session last confirmed that it is them, after the sign-in."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("stepped_up_at", sa.DateTime(timezone=True)))
    op.add_column("sessions", sa.Column("stepped_up_by", sa.String(20)))


def downgrade() -> None:
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_column("stepped_up_by")
        sessions.drop_column("stepped_up_at")
