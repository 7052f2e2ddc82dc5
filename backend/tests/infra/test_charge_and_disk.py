"""A charge on PostgreSQL is made at once and not waited for."""

from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import bindparam, func, literal, select

from focys.features.accounts import users
from focys.infra.db.charging import Charge, as_one_statement
from focys.infra.db.postgres import Postgres
from tests.conftest import settings_for

_OPEN = select(users.c.id.label("user_id"), users.c.charge_seq, literal(value=True).label("may_charge"))
CHARGE = Charge(_OPEN.where(users.c.id == bindparam("who")), users.c.charge_seq, is_durable=False)
ADD = """
INSERT INTO users (id, email, password_hash, display_name, created_at, updated_at) VALUES ($1, $2, '', '', now(), now())
"""


async def test_a_charge_does_not_wait_for_the_disk(postgres_url: str):
    """The verdict is later in the same log, so once the disk has it, it has the charge too."""
    url, who = settings_for(postgres_url).database, uuid4()
    aside = await asyncpg.connect(postgres_url)
    await aside.execute(ADD, who, "dana@student.com")
    connections = Postgres(url, 1)

    [charged] = await connections.fetch(as_one_statement(CHARGE), {"who": who})
    [[later]] = await connections.fetch(select(func.current_setting("synchronous_commit")), {})

    assert (charged.is_charged, charged.synchronous_commit, later) == (True, "off", "on")
    assert await aside.fetchval("SELECT charge_seq FROM users WHERE id = $1", who) == 1
    await connections.close()
    await aside.close()
