"""Argon2id (RFC 9106) in a fixed number of threads off the event loop; each hash in progress uses ``memory_kib``."""

import asyncio
import base64
import hmac
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import hash_secret

from focys.infra.ops import metrics

_HASH_BYTES = 32
_SALT_BYTES = 16
T = TypeVar("T")


class BusyError(Exception):
    """More hashes are queued than can be computed in acceptable time; ``retry_after`` is in seconds."""

    retry_after = 2


class Hasher:
    """Hashes passwords with the current parameters, and verifies stored hashes with the parameters they contain."""

    def __init__(self, *, memory_kib: int, passes: int, threads: int, queue: int) -> None:
        self._argon2 = PasswordHasher(
            time_cost=passes,
            memory_cost=memory_kib,
            parallelism=1,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
        )
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._room = threads + queue
        self._waiting = 0
        self._dummy = self._argon2.hash(secrets.token_urlsafe(16))

    async def hash(self, password: str) -> str:
        """Return *password* hashed with a new salt, in PHC string format.

        Raises:
            BusyError: the queue is full.
        """
        return await self._run(lambda: self._argon2.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether *password* matches *stored*. If that is None or not Argon2, do the same work and return False.

        Raises:
            BusyError: the queue is full.
        """
        # Another program's hash takes the same work, so that the time does not reveal that there is an account.
        usable = stored if stored is not None and is_ours(stored) else None
        fits = await self._run(lambda: self._fits(usable or self._dummy, password))
        return fits and usable is not None

    def is_outdated(self, stored: str) -> bool:
        """Tell whether *stored* was made with parameters other than the current ones."""
        return self._argon2.check_needs_rehash(stored)

    async def hash_set(self, codes: list[str]) -> list[str]:
        """Hash codes with one common salt, so that a single computation can check an entry against all of them.

        They wait in the queue once: waiting ten times in a long queue would exceed a request's time limit.

        Raises:
            BusyError: the queue is full.
        """
        salt = secrets.token_bytes(_SALT_BYTES)
        return await self._run(lambda: [self._with_salt(code, salt) for code in codes])

    async def find_in_set(self, stored: list[str], code: str) -> int | None:
        """Return the position of *code* in a set made by ``hash_set``, or None.

        Raises:
            BusyError: the queue is full.
        """
        if not stored:
            await self.verify(None, code)
            return None
        entered = await self._run(lambda: _hash_like(stored[0], code))
        found = [i for i, item in enumerate(stored) if hmac.compare_digest(item, entered)]
        return found[0] if found else None

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._room:
            metrics.HASHES_REFUSED.inc()
            raise BusyError
        self._waiting += 1
        try:
            with metrics.HASH_SECONDS.time(), metrics.HASHES_WAITING.track_inprogress():
                return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._argon2.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def _with_salt(self, code: str, salt: bytes) -> str:
        own = self._argon2
        return hash_secret(
            code.encode(), salt, own.time_cost, own.memory_cost, own.parallelism, own.hash_len, Type.ID
        ).decode()


def is_ours(stored: str) -> bool:
    """Tell whether a stored hash can be verified: it is Argon2 in PHC string format."""
    try:
        extract_parameters(stored)
    except InvalidHashError:
        return False
    return True


def _hash_like(stored: str, code: str) -> str:
    parameters = extract_parameters(stored)
    salt_text = stored.split("$")[4]
    salt = _unpadded_base64(salt_text)
    return hash_secret(
        code.encode(), salt, parameters.time_cost, parameters.memory_cost, parameters.parallelism, parameters.hash_len,
        Type.ID,
    ).decode()  # fmt: skip


def _unpadded_base64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))
