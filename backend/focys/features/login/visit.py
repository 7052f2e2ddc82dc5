"""One request within a login: who, when, and the keys of the wrong-password counters."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from focys.features.browsers import MAX_TOKENS, tokens_of
from focys.features.throttling import password_keys
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.tokens import digest
from focys.infra.web.caller import Caller


@dataclass(frozen=True, slots=True)
class Visit:
    """A request and its time. A login that expires after ``latest_end`` was started while a clock was wrong."""

    caller: Caller
    now: datetime
    latest_end: datetime


class ThrottleParameters(TypedDict):
    """The keys of the counters that may apply: the network's, and one for each token in the cookie."""

    network_key: str
    browser_key_0: str
    browser_key_1: str
    browser_key_2: str


@dataclass(frozen=True, slots=True)
class ThrottleKeys:
    """The keys of the wrong-password counters that may apply to an attempt."""

    account: str
    network: str
    browsers: tuple[tuple[bytes, str], ...]

    @classmethod
    def of(cls, keys: KeyRing, address: str, caller: Caller) -> "ThrottleKeys":
        """Return the keys for an address: one for the caller's network, and one for each token in the cookie."""
        account = password_keys(keys, address)
        hashes = [digest(token) for token in tokens_of(caller.browser)]
        known = tuple((token_hash, f"password:{account}:{token_hash.hex()[:32]}") for token_hash in hashes)
        return cls(account, f"password:{account}:{caller.network}", known)

    def of_browser(self, token_hash: bytes | None) -> str:
        """Return the key for a known browser, or for the network if the browser is unknown."""
        return dict(self.browsers).get(token_hash, self.network) if token_hash is not None else self.network

    def parameters(self) -> ThrottleParameters:
        """Return the parameters of the query that reads the counter."""
        first, second, third = [key for _, key in self.browsers] + [""] * (MAX_TOKENS - len(self.browsers))
        return {"network_key": self.network, "browser_key_0": first, "browser_key_1": second, "browser_key_2": third}
