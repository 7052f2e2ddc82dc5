"""Starts enrolments, verifies codes and re-encrypts secrets; keeps no state and decides nothing about the login."""

import base64
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from focys.domain import totp
from focys.features.totp.repository import (
    VAULTS,
    EnrolmentRepository,
    enrolment_begun,
)
from focys.infra.database import Change, Database
from focys.infra.secret_box import SecretBox, UnreadableSecretError

Progress = Callable[[int, int], None]
"""Called with the number of secrets processed so far, and their total."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A secret waiting for its first code."""

    secret: str
    sealed: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SecretsByKey:
    """How many stored secrets are encrypted under SECRET_KEY, under a fallback key, and under no configured key."""

    current: int
    older: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Rotation:
    """The result of re-encrypting the secrets that were not under the newest key.

    ``unreadable`` is a number of accounts; the fallback keys are named by their id, in the order they were given in.
    """

    moved: int
    unreadable: int
    unneeded: tuple[str, ...]
    needed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """How many secrets are stored; how many need a fallback key, need a key that is not configured, or are damaged."""

    total: int
    older: int
    keyless: int
    damaged: int


class Totp:
    """The authenticator feature."""

    def __init__(self, database: Database, box: SecretBox, *, drift: int) -> None:
        self._repository = EnrolmentRepository(database)
        self._box, self._drift = box, drift

    async def pending(self, user_id: UUID, now: datetime) -> Pending | None:
        """Return the pending enrolment, if there is one; one that no configured key decrypts any more is dropped."""
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
        return enrolment_begun(user_id, sealed, replaces=old, now=now)

    async def count_by_key(self) -> SecretsByKey:
        """Count the stored secrets by the key that made them."""
        counted = {True: 0, False: 0, None: 0}
        for seal, number in await self._repository.list_seals():
            counted[self._box.is_current(seal) or (False if self._box.has_seal_of(seal) else None)] += number
        return SecretsByKey(current=counted[True], older=counted[False], unknown=counted[None])

    async def can_open_secrets(self) -> bool:
        """Tell whether the configured keys can decrypt the stored secrets; a damaged row proves nothing."""
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

    def sealed(self, secret: str, user_id: UUID) -> str:
        """Return a secret as it is stored: under the newest key, whichever one it was read with."""
        return self._box.seal(secret, user_id)

    async def try_all(self, progress: Progress) -> Trial:
        """Decrypt every stored secret, as a sign-in would, and report what could not be decrypted."""
        total = await self._repository.count_sealed()
        seen, older, keyless, damaged = 0, 0, 0, 0
        for vault in VAULTS:
            after = UUID(int=0)
            while rows := await self._repository.window_of(vault, after):
                for row in rows:
                    try:
                        self._box.open(row.sealed, row.owner)
                    except UnreadableSecretError:
                        has_no_key = self._box.has_key_of(row.sealed) is False
                        keyless, damaged = keyless + has_no_key, damaged + (not has_no_key)
                    else:
                        older += not self._box.is_current(row.sealed)
                after, seen = rows[-1].owner, seen + len(rows)
                progress(seen, max(total, seen))
        return Trial(seen, older, keyless, damaged)

    def newest_step(self, now: datetime) -> int:
        """Return the newest time step whose code is taken at *now*."""
        return totp.step_at(now.timestamp()) + self._drift

    async def rotate(self, progress: Progress, begins: Callable[[], Awaitable[None]]) -> Rotation:
        """Re-encrypt every secret that is not under the newest key; safe while people sign in, and safe to repeat.

        *begins* is awaited before the first of them is changed, and not at all if there is none.
        A row is replaced only if it is still as it was read. What no configured key decrypts is counted and left alone.
        """
        total = await self._repository.count_sealed()
        moved, looked_at, has_begun = 0, 0, False
        unreadable: set[tuple[UUID, str]] = set()
        for vault in VAULTS:
            after = UUID(int=0)
            while rows := await self._repository.window_of(vault, after):
                anew, closed = self._sealed_anew(rows)
                if anew and not has_begun:
                    await begins()
                    has_begun = True
                replaced = await self._repository.replace(vault, anew) if anew else 0
                moved += replaced
                # Else somebody changed a row meanwhile, and the same rows are read again.
                if replaced == len(anew):
                    unreadable |= closed
                    after, looked_at = rows[-1].owner, looked_at + len(rows)
                    progress(looked_at, max(total, looked_at))
        fallbacks = self._box.key_ids[1:]
        needed = tuple(kid for kid in fallbacks if any(self._box.is_of(kid, text) for _, text in unreadable))
        accounts = {owner for owner, _ in unreadable}
        return Rotation(moved, len(accounts), tuple(kid for kid in fallbacks if kid not in needed), needed)

    def _sealed_anew(self, rows: Sequence[Any]) -> tuple[dict[UUID, tuple[str, str]], set[tuple[UUID, str]]]:
        """Return the ciphertexts to replace (old, new) by owner, and those that no configured key decrypts."""
        anew: dict[UUID, tuple[str, str]] = {}
        closed: set[tuple[UUID, str]] = set()
        for row in rows:
            if self._box.is_current(row.sealed):
                continue
            try:
                secret = self._box.open(row.sealed, row.owner)
            except UnreadableSecretError:
                closed.add((row.owner, row.sealed))
            else:
                anew[row.owner] = (row.sealed, self._box.seal(secret, row.owner))
        return anew, closed

    def _opened(self, row: Any, user_id: UUID) -> Pending:  # noqa: ANN401  a row of totp_enrolments
        return Pending(self._box.open(row.secret, user_id), row.secret, row.expires_at)


def new_secret() -> str:
    """Return 160 random bits as 32 Base32 characters (RFC 4226 section 4, R6)."""
    return base64.b32encode(secrets.token_bytes(totp.SECRET_BYTES)).decode()
