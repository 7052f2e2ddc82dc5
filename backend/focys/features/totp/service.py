"""Begins enrolments and judges codes; holds no state and decides nothing about the login."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from focys.domain import totp
from focys.features.totp.repository import EnrolmentRepository, enrolment_begun, enrolment_dropped
from focys.infra.database import Change, Database
from focys.infra.secret_box import SecretBox, UnreadableSecretError

ENROLMENT_LIFE = timedelta(minutes=15)

__all__ = ["ENROLMENT_LIFE", "Pending", "SecretsByKey", "Totp", "enrolment_dropped", "new_secret"]


@dataclass(frozen=True, slots=True)
class Pending:
    """A secret waiting for its first code."""

    secret: str
    sealed: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SecretsByKey:
    """How many stored secrets SECRET_KEY made, how many one of its predecessors, and how many no key at hand."""

    current: int
    older: int
    unknown: int


class Totp:
    """The authenticator feature."""

    def __init__(self, database: Database, box: SecretBox, *, drift: int) -> None:
        self._repository = EnrolmentRepository(database)
        self._box, self._drift = box, drift

    async def pending(self, user_id: UUID, now: datetime) -> Pending | None:
        """Return the enrolment under way, if there is one; one that no key opens any more is dropped."""
        row = await self._repository.find(user_id, now)
        try:
            return self._opened(row, user_id) if row else None
        except UnreadableSecretError:
            await self._repository.drop(user_id)
            return None

    def begun(self, user_id: UUID, now: datetime, *, replaces: Pending | None) -> Change:
        """Return what starts an enrolment with a new secret, unless another tab has just started one."""
        sealed = self._box.seal(new_secret(), user_id)
        old = replaces.sealed if replaces else ""
        return enrolment_begun(user_id, sealed, replaces=old, now=now, until=now + ENROLMENT_LIFE)

    async def count_by_key(self) -> SecretsByKey:
        """Count the stored secrets by the key that made them."""
        counted = {True: 0, False: 0, None: 0}
        for seal, number in await self._repository.list_seals():
            counted[self._box.is_current(seal) or (False if self._box.has_seal_of(seal) else None)] += number
        return SecretsByKey(current=counted[True], older=counted[False], unknown=counted[None])

    async def can_open_secrets(self) -> bool:
        """Tell whether the keys at hand made the stored secrets; a damaged row proves nothing."""
        known = [self._box.has_key_of(text) for text in await self._repository.list_sealed()]
        return any(known) or False not in known

    def judge(
        self, sealed: str, user_id: UUID, codes: tuple[str, ...], *, now: datetime, last_used: int | None
    ) -> totp.Match | totp.Spent | totp.Stale | totp.Wrong:
        """Judge one code, or two in a row (guarded mode), against a sealed secret.

        Raises:
            UnreadableSecretError: the secret cannot be opened; that is never a reason to accept.
            ClockBehindError: the clock stands before the last accepted code.
        """
        secret, moment = self._box.open(sealed, user_id), now.timestamp()
        if len(codes) == 1:
            return totp.examine(secret, codes[0], now=moment, last_used=last_used, drift=self._drift)
        older, newer = codes
        return totp.examine_pair(secret, older, newer, now=moment, last_used=last_used, drift=self._drift)

    def _opened(self, row: Any, user_id: UUID) -> Pending:  # noqa: ANN401  a row of totp_enrolments
        return Pending(self._box.open(row.secret, user_id), row.secret, row.expires_at)


def new_secret() -> str:
    """Return 160 random bits as 32 Base32 characters (RFC 4226 section 4, R6)."""
    return base64.b32encode(secrets.token_bytes(totp.SECRET_BYTES)).decode()
