"""Two versions of the backend in a git repository: this one, and one that is a migration further."""

import os
import shlex
from pathlib import Path

from focys.infra.db.schema import SCHEMA
from tests.support.processes import copy_backend, run

NEXT = f"{int(SCHEMA) + 1:04}"
_MIGRATION = '''"""What the next version adds."""

import sqlalchemy as sa
from alembic import op

revision = "{next}"
down_revision = "{schema}"
branch_labels = None
depends_on = None
{oldest_code}


def upgrade() -> None:
    op.create_table("novelties", sa.Column("id", sa.Uuid, primary_key=True))


def downgrade() -> None:
    op.drop_table("novelties")
'''
GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "t@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


class Versions:
    """A repository whose ``main`` is at ``previous-version`` until the next one is published."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        copy_backend(folder)
        (folder / ".gitignore").write_text(".env\n__pycache__/\n*.log\n")
        self.git("init --quiet --initial-branch=main")
        self._commit("this version")
        self.git("tag previous-version")

    @property
    def next_migration(self) -> Path:
        """Where the next version has its migration."""
        return self.folder / "backend" / "migrations" / "versions" / f"{NEXT}_novelties.py"

    def publish_next(self, *, is_breaking: bool = False) -> None:
        """Commit the next version on ``main`` and tag it; the folder is left at the previous one.

        If it is breaking, the previous version must not serve after its migration.
        """
        oldest_code = f'oldest_code = "{NEXT}"' if is_breaking else ""
        schema = self.folder / "backend" / "focys" / "infra" / "db" / "schema.py"
        schema.write_text(schema.read_text().replace(f'SCHEMA = "{SCHEMA}"', f'SCHEMA = "{NEXT}"'))
        self.next_migration.write_text(_MIGRATION.format(next=NEXT, schema=SCHEMA, oldest_code=oldest_code))
        self._commit("next version")
        self.git("tag next-version")
        self.git("checkout --quiet --no-overlay previous-version -- backend/")

    def publish_one_after(self) -> None:
        """Commit a version after the next one on ``main``, with a file of its own; the folder is left there."""
        self.git("checkout --quiet --no-overlay next-version -- backend/")
        (self.folder / "backend" / "AFTER").touch()
        self._commit("the version after")

    def git(self, arguments: str) -> str:
        """Run ``git …`` in the repository, which has to succeed."""
        env = {**os.environ, **GIT_ENVIRONMENT}
        result = run(["git", *shlex.split(arguments)], folder=self.folder, env=env)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def _commit(self, message: str) -> None:
        self.git("add --all")
        self.git(f"commit --quiet --message '{message}'")
