"""Enrollment tickets: after an operator's reset, password and mailbox alone no longer enroll a new second factor.

The previous version does not ask for tickets, so a downgrade refuses while an account waits for one.
"""

import sqlalchemy as sa
from alembic import op

from focys.infra.db.migrating import refuse_to_destroy

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("ticket_mac", sa.LargeBinary(32)))
    op.add_column("users", sa.Column("ticket_expires_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    refuse_to_destroy({"users WHERE ticket_mac IS NOT NULL": "enrollment tickets"})
    with op.batch_alter_table("users") as users:
        users.drop_column("ticket_expires_at")
        users.drop_column("ticket_mac")
