"""Counts, test-decrypts and re-encrypts the stored secrets."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from focys.domain import totp
from focys.features.totp.repository import VAULTS, Sealed, SetupRepository
from focys.infra.crypto.secret_box import SecretBox, UnreadableSecretError, key_id_of
from focys.infra.db.database import Database

Progress = Callable[[int, int], None]
"""Called with the number of secrets processed so far, and their total."""


@dataclass(frozen=True, slots=True)
class SecretsByKey:
    """How many stored secrets need SECRET_KEY, a fallback key, or a key that is not configured.

    ``missing`` lists the keys that are not configured, by key id, with their number of secrets. ``unknown`` also counts
    damaged secrets, which name no key.
    """

    current: int
    older: int
    unknown: int
    missing: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rotation:
    """The result of re-encrypting the secrets that were not under the newest key.

    ``unreadable`` is the number of accounts with a secret that no configured key decrypts. ``unneeded`` and ``needed``
    are the ids of the fallback keys, in the configured order.
    """

    reencrypted: int
    unreadable: int
    unneeded: tuple[str, ...]
    needed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecryptReport:
    """How many secrets are stored, need a fallback key, need a key that is not configured, or are damaged."""

    total: int
    older: int
    keyless: int
    damaged: int


class TotpSecrets:
    """The stored secrets of all accounts, for operators."""

    def __init__(self, database: Database, box: SecretBox, *, drift: int) -> None:
        self._repository = SetupRepository(database)
        self._box, self._drift = box, drift
        self._opened_all = False

    async def count_by_key(self) -> SecretsByKey:
        """Count the stored secrets by the key that encrypted them."""
        counted, missing = {True: 0, False: 0, None: 0}, dict[str, int]()
        for seal, number in await self._repository.list_seals():
            counted[self._box.is_current(seal) or (False if self._box.has_seal_of(seal) else None)] += number
            key_id = key_id_of(seal)
            if key_id is not None and not self._box.has_seal_of(seal):
                missing[key_id] = number
        return SecretsByKey(current=counted[True], older=counted[False], unknown=counted[None], missing=missing)

    async def can_open_secrets(self) -> bool:
        """Return whether the configured keys can decrypt the stored secrets; damaged rows do not count.

        Keys change only with a restart, so every secret counts until this has been true once, and then a sample of 20
        is enough.
        """
        if not self._opened_all:
            self._opened_all = not (await self.count_by_key()).missing
            return self._opened_all
        known = [self._box.has_key_of(text) for text in await self._repository.list_sealed()]
        return any(known) or False not in known

    async def try_all(self, progress: Progress) -> DecryptReport:
        """Decrypt every stored secret, as a sign-in would, and report those that could not be decrypted."""
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
                after, seen = rows[-1].key, seen + len(rows)
                progress(seen, max(total, seen))
        return DecryptReport(seen, older, keyless, damaged)

    def newest_step(self, now: datetime) -> int:
        """Return the newest time step whose code is accepted at *now*."""
        return totp.step_at(now.timestamp()) + self._drift

    async def rotate(self, progress: Progress, begins: Callable[[], Awaitable[None]]) -> Rotation:
        """Re-encrypt every secret that is not under the newest key; safe while people sign in, and safe to repeat.

        *begins* is awaited before the first secret is changed, and not at all if none needs to be.
        A row is replaced only if it has not changed since it was read. Secrets that no configured key decrypts are
        counted and left alone.
        """
        total = await self._repository.count_sealed()
        reencrypted, processed, has_started = 0, 0, False
        unreadable: set[tuple[UUID, str]] = set()
        for vault in VAULTS:
            after = UUID(int=0)
            while rows := await self._repository.window_of(vault, after):
                new, undecryptable = self._reencrypt(rows)
                if new and not has_started:
                    await begins()
                    has_started = True
                replaced = await self._repository.replace(vault, new) if new else 0
                reencrypted += replaced
                # Otherwise, a row has changed in the meantime; read the same rows again.
                if replaced == len(new):
                    unreadable |= undecryptable
                    after, processed = rows[-1].key, processed + len(rows)
                    progress(processed, max(total, processed))
        fallbacks = self._box.key_ids[1:]
        needed = tuple(kid for kid in fallbacks if any(self._box.is_of(kid, text) for _, text in unreadable))
        accounts = {owner for owner, _ in unreadable}
        return Rotation(reencrypted, len(accounts), tuple(kid for kid in fallbacks if kid not in needed), needed)

    def _reencrypt(self, rows: Sequence[Sealed]) -> tuple[dict[UUID, tuple[str, str]], set[tuple[UUID, str]]]:
        """Return the ciphertexts to replace (old, new) by key, and those that no configured key decrypts."""
        new: dict[UUID, tuple[str, str]] = {}
        undecryptable: set[tuple[UUID, str]] = set()
        for row in rows:
            if self._box.is_current(row.sealed):
                continue
            try:
                secret = self._box.open(row.sealed, row.owner)
            except UnreadableSecretError:
                undecryptable.add((row.owner, row.sealed))
            else:
                new[row.key] = (row.sealed, self._box.seal(secret, row.owner))
        return new, undecryptable
