"""A new SECRET_KEY under the running service, and one that opens nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic
from uuid import uuid4

import pytest

from focys.features.accounts import users
from focys.features.totp import new_secret
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.db.database import Change
from focys.services import build_services
from tests.cluster import Cluster
from tests.conftest import SECRET_KEY, settings_for
from tests.deploy.service import service_in
from tests.faults.report import Tell
from tests.support import hash_costs
from tests.support.processes import serving
from tests.support.service import Account
from tests.support.workers import Workers, code_of

NEW_KEY = "another-key-that-is-long-enough-for-everyone-0987654321"
OTHERS = 4000
SIGNING_IN = 12
AT_ONCE = 3


@pytest.fixture
def database_url(cluster: Cluster, postgres_template: str) -> Iterator[str]:
    name = f"rotation_{uuid4().hex[:8]}"
    yield cluster.create_database(name, template=postgres_template)
    cluster.drop_database(name)


@pytest.fixture
async def before(database_url: str) -> AsyncIterator[Workers]:
    """What makes accounts under the old key."""
    running = Workers([], build_services(settings_for(database_url, **hash_costs.FULL)))
    yield running
    await running.close()


async def test_keys_are_rotated_while_people_sign_in(before: Workers, database_url: str, tmp_path: Path, tell: Tell):
    people = [await before.an_account(enrolled=True) for _ in range(SIGNING_IN)]
    await some_others(before)
    during, after = tmp_path / "during", tmp_path / "after"
    during.mkdir()
    after.mkdir()
    both = service_in(during, database_url, SECRET_KEY=NEW_KEY, SECRET_KEY_FALLBACKS=SECRET_KEY)
    with serving(both):
        began = monotonic()
        rotating = asyncio.create_task(asyncio.to_thread(both.run, "focys", "keys", "rotate"))
        before.servers = [both]
        used: dict[str, str] = {}
        ended = await asyncio.gather(*(some_sign_in(before, people[i::AT_ONCE], used) for i in range(AT_ONCE)))
        rotated = await rotating
        took = monotonic() - began
        spent = [await offer(before, person, used[person.email]) for person in people[:AT_ONCE]]

    only_new = service_in(after, database_url, SECRET_KEY=NEW_KEY, workers=2)
    with serving(only_new):
        before.servers = [only_new]
        later = [await offer(before, person, code_of(person, 1)) for person in people]

    moments = [moment for moments in ended for moment in moments if moment is not None]
    assert rotated.returncode == 0, rotated.stderr
    assert f"Moved {SIGNING_IN + OTHERS} secrets to the newest key." in rotated.stdout
    assert len([moment for moment in moments if moment < began + took]) >= AT_ONCE
    tell(
        f"Sealed {SIGNING_IN + OTHERS} secrets again in {took:.1f} s while {len(moments)} people signed in to 4 workers, "
        "then took the old key away",
        lost={
            "sign-ins during it": SIGNING_IN - len(moments),
            "authenticators after it": SIGNING_IN - later.count(200),
            "spent codes": spent.count(200),
        },
    )


async def some_others(workers: Workers) -> None:
    """Accounts that nobody signs in to, under the old key."""
    box, now = SecretBox(KeyRing((SECRET_KEY,))), workers.services.clock.now()
    for _ in range(OTHERS // 200):
        ids = [uuid4() for _ in range(200)]
        rows = [
            {"id": i, "email": f"{i}@student.com", "password_hash": "x", "display_name": "", "mfa_enabled": True}
            | {"totp_secret": box.seal(new_secret(), i), "created_at": now, "updated_at": now}
            for i in ids
        ]
        await workers.services.database.write(*(Change(users, row) for row in rows))


async def some_sign_in(workers: Workers, people: list[Account], used: dict[str, str]) -> list[float | None]:
    """Sign in one after the other; when each was done, or None. The codes are kept in *used*."""
    moments: list[float | None] = []
    for person in people:
        used[person.email] = code_of(person)
        moments.append(monotonic() if await offer(workers, person, used[person.email]) == 200 else None)
    return moments


async def offer(workers: Workers, person: Account, code: str) -> int:
    """Sign in up to the code and return what the code is answered with."""
    [browser] = await workers.at_second_factor(person)
    return (await browser.offer(code)).status_code
