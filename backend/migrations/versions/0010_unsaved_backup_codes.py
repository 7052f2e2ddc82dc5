"""Which backup codes were shown but not yet acknowledged as saved.

Codes that are already there, and those that the version before this one inserts, count as saved.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("backup_codes", sa.Column("unsaved_set", sa.Uuid))


def downgrade() -> None:
    with op.batch_alter_table("backup_codes") as codes:
        codes.drop_column("unsaved_set")
