"""Checks, hashes and verifies passwords."""

import asyncio
import re
import secrets
from concurrent.futures import ThreadPoolExecutor

from zxcvbn import zxcvbn

from focys.domain import crockford
from focys.domain import passwords as rules
from focys.domain.plain_text import is_plain
from focys.features.passwords.blocklist import is_known
from focys.infra.crypto.hashing import Hasher

# Its time grows steeply with the length: up to a second for 32 characters, seven for 72.
_ZXCVBN_LENGTH = 32
_GUESSES_OF_SCORE_3 = 10**8
# One, because zxcvbn keeps the context of a password in a global variable.
_thread = ThreadPoolExecutor(1, thread_name_prefix="zxcvbn")


class WeakPasswordError(Exception):
    """The password is too weak; the message is for the user who chose it."""

    def __init__(self, weakness: rules.Weakness) -> None:
        super().__init__(weakness)
        self.weakness = weakness


class Passwords:
    """The password hasher and the password policy."""

    def __init__(self, hasher: Hasher, *, mfa_required: bool, app_name: str, breach_url: str = "") -> None:
        self._hasher, self._mfa_required, self._app_name, self._breach_url = (
            hasher,
            mfa_required,
            app_name,
            breach_url,
        )

    async def choose(self, password: str, address: str) -> str:
        """Check a new password for the account with this address, and return its hash.

        Raises:
            WeakPasswordError: the policy does not allow it.
            BusyError: too many hashes are waiting.
        """
        weakness = await self._find_weakness(password, address, self._breach_url)
        if weakness is not None:
            raise WeakPasswordError(weakness)
        return await self._hasher.hash(rules.normalize(password))

    async def find_weakness(self, password: str, address: str) -> rules.Weakness | None:
        """Return why the policy does not allow a password that is still being typed, or None.

        The breach service is not asked: the beginnings of a password, one after the other, would tell it too much.
        """
        return await self._find_weakness(password, address, breach_url="")

    async def _find_weakness(self, password: str, address: str, breach_url: str) -> rules.Weakness | None:
        context = [self._app_name, "focys", *re.split(r"[^a-z0-9]+", address.lower()), address.lower()]
        is_acceptable_text = password != "" and is_plain(password) and not rules.is_oversized(password)
        strength = await _strength(password, context) if is_acceptable_text else 0
        return rules.weakness(
            password,
            strength=strength,
            known=is_acceptable_text and await is_known(password, breach_url),
            context=context,
            mfa_required=self._mfa_required,
        )

    async def hash_generated(self, password: str) -> str:
        """Return the hash of a password from ``new_password``, which needs no check."""
        return await self._hasher.hash(password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Return whether the password matches the hash; without a hash, do the same work and return False.

        Raises:
            BusyError: too many hashes are waiting.
        """
        return await self._hasher.verify(stored, rules.normalize(password))

    async def upgraded(self, stored: str, password: str) -> str | None:
        """Return a new hash if *stored* was made with outdated parameters."""
        return await self._hasher.hash(rules.normalize(password)) if self._hasher.is_outdated(stored) else None


def new_password() -> str:
    """Return a random password of 80 bits that is easy to type: ``h3kd-9wmv-…``, four groups of four."""
    return crockford.encode(secrets.token_bytes(crockford.CODE_BYTES)).lower()


async def _strength(password: str, context: list[str]) -> int:
    """Return zxcvbn's score (0 to 4), with a threshold of exactly 10^8 guesses for score 3.

    The library adds a little to the threshold, so no password of eight characters could reach score 3.
    """
    begin = password[:_ZXCVBN_LENGTH]
    estimate = await asyncio.get_running_loop().run_in_executor(_thread, lambda: zxcvbn(begin, user_inputs=context))
    return max(int(estimate["score"]), 3 if estimate["guesses"] >= _GUESSES_OF_SCORE_3 else 0)
