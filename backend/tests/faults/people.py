"""Many accounts at once, without the sign-ins that make them: one password and one set of backup codes for all."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pyotp
from sqlalchemy import insert

from focys.domain.login import Step
from focys.features.accounts import users
from focys.features.backup_codes import BackupCodes, backup_codes
from focys.features.login import pending_logins
from focys.features.totp import new_secret, totp_setups
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.crypto.tokens import digest, new_token
from focys.infra.db.database import metadata
from focys.services import Services
from tests.support.service import PASSWORD

_numbers = count(1)


@dataclass
class Person:
    """An account, with what its owner holds; one that has no authenticator yet has a login waiting for its first code."""

    id: UUID
    email: str
    secret: str
    backup_codes: list[str] = field(default_factory=list)
    login_token: str | None = None
    prefers_backup_codes: bool = False

    def code(self, step: int) -> str:
        return pyotp.HOTP(self.secret).at(step)


async def some_people(services: Services, number: int, *, enrolled: bool) -> list[Person]:
    """Create so many accounts in one go."""
    database, now = services.database, services.clock.now()
    box = SecretBox(KeyRing(services.settings.keys))
    hashed = await services.passwords.choose(PASSWORD, "nobody@student.com")
    new = await BackupCodes(database, services.hasher).issue(uuid4(), now)
    hashes = [change.values["code_hash"] for change in new.changes if change.target is backup_codes]
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in metadata.tables}
    people = []
    for _ in range(number):
        person = Person(uuid4(), f"person-{next(_numbers)}@student.com", new_secret())
        sealed = box.seal(person.secret, person.id)
        rows["users"].append(
            {
                "id": person.id,
                "email": person.email,
                "display_name": "",
                "password_hash": hashed,
                "totp_secret": sealed if enrolled else None,
                "mfa_enabled": enrolled,
                "totp_last_step": 0 if enrolled else None,
                "created_at": now,
                "updated_at": now,
            }
        )
        if enrolled:
            person.backup_codes = list(new.codes)
            rows["backup_codes"] += [
                {"id": uuid4(), "user_id": person.id, "code_hash": text, "created_at": now} for text in hashes
            ]
        else:
            person.login_token, until = new_token(), now + timedelta(minutes=15)
            login = a_login(person, person.login_token, Step.ENROLL, now, until)
            shown = {"login_id": login["id"], "user_id": person.id, "secret": sealed}
            rows["pending_logins"].append(login)
            rows["totp_setups"].append({**shown, "created_at": now, "expires_at": until})
        people.append(person)
    async with database.engine.connect() as connection:
        for table in (users, backup_codes, pending_logins, totp_setups):
            if rows[table.name]:
                await connection.execute(insert(table), rows[table.name])
    return people


def a_login(person: Person, login_token: str, step: Step, now: datetime, until: datetime) -> dict[str, Any]:
    """The row of a login that waits at a step; its login token finds it."""
    return {
        "id": uuid4(),
        "handle_hash": digest(login_token),
        "user_id": person.id,
        "step": step,
        "epoch": 0,
        "created_at": now,
        "expires_at": until,
        "code_issue": 0,
        "code_long": False,
        "code_tries": 0,
    }
