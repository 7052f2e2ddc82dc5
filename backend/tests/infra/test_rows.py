"""Typed rows: a query's columns must match a dataclass's fields, or the import fails."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import func, literal, select

from focys.features.accounts import users
from focys.features.rate_limits import throttles
from focys.infra.db.database import Change, Database, Shape
from tests.conftest import settings_for
from tests.support.clock import NOON


@dataclass(frozen=True, slots=True)
class Counter:
    key: str
    times: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Owner:
    id: UUID | None
    mfa_enabled: bool | None


COUNTER = Shape(Counter, throttles.c.key, throttles.c.hits.label("times"), throttles.c.last_at)
OWNER = Shape(Owner, users.c.id, users.c.mfa_enabled)


async def test_rows_are_read_by_position_among_other_columns(database_url: str):
    database = Database(settings_for(database_url).database)
    beside = select(literal("first"), *COUNTER.columns, *OWNER.columns, func.count().over())
    try:
        await database.write(Change(throttles, {"key": "k", "hits": 3, "last_at": NOON, "expires_at": NOON}))
        alone = await database.first(select(*COUNTER.columns))
        among = await database.first(beside.select_from(throttles.outerjoin(users, literal(value=True))))
    finally:
        await database.close()

    assert alone is not None
    assert among is not None
    assert COUNTER.read(alone) == COUNTER.read(among, 1) == Counter("k", 3, NOON)
    assert OWNER.read(among, 1 + len(COUNTER.columns)) == Owner(None, None)


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param((throttles.c.key, throttles.c.hits, throttles.c.last_at), id="another name"),
        pytest.param((throttles.c.key, throttles.c.last_at, throttles.c.hits.label("times")), id="another order"),
        pytest.param((throttles.c.key, throttles.c.hits.label("times")), id="one is missing"),
        pytest.param((*COUNTER.columns, throttles.c.expires_at), id="one too many"),
        pytest.param((throttles.c.key, func.count(), throttles.c.last_at), id="one without a name"),
    ],
)
def test_columns_that_do_not_match_the_fields_are_refused(columns):
    with pytest.raises(TypeError, match=r"Counter has the fields \['key', 'times', 'last_at'\]"):
        Shape(Counter, *columns)
