"""Which schema this code serves, and what it says of any other one."""

import pytest
from alembic.script import ScriptDirectory

from focys.infra.db.schema import (
    SCHEMA,
    alembic_config,
    known_revisions,
    needed_revision,
    revisions_after,
    why_unusable,
)


def test_the_code_names_its_newest_migration():
    """CFG-08: a migration that a newer version has left behind is none of ours, so the name stands in the code."""
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [SCHEMA] == [needed_revision()]
    assert known_revisions()[0] == "0001"
    assert [*known_revisions()[:2], *revisions_after("0002")] == list(known_revisions())
    assert revisions_after(SCHEMA) == []


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (SCHEMA, None),
        (None, f"The database has no schema yet and this version needs {SCHEMA}: alembic upgrade head"),
        ("0003", f"The database's schema is 0003 and this version needs {SCHEMA}: alembic upgrade head"),
        (
            "9999",
            (
                f"The database's schema is 9999, which is newer than this version, and this version needs {SCHEMA}: "
                f"reinstall the newer version, or use it to run alembic downgrade {SCHEMA}"
            ),
        ),
    ],
)
def test_any_other_schema_is_refused_with_the_fix(at: str | None, why: str | None):
    assert why_unusable(at) == why
