"""Compares codes with an encrypted secret, and turns the result into a verdict for the login."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from focys.domain import totp
from focys.domain.outcome import Reason, Refused, Unproven
from focys.features.audit import Alarm
from focys.infra.crypto.secret_box import SecretBox, UnreadableSecretError
from focys.infra.ops import metrics


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected codes: an encrypted secret, its owner, and the last time step used."""

    sealed: str
    owner: UUID
    last_step: int | None = None


class Codes:
    """Compares codes; *drift* is how many time steps before and after the current one are accepted."""

    def __init__(self, box: SecretBox, *, drift: int) -> None:
        self._box, self._drift = box, drift

    def compare(self, typed: tuple[str, ...], expected: Expected, now: datetime) -> totp.Match | Unproven:
        """Compare one code, or two in a row. A secret that cannot be decrypted is never a reason to accept."""
        try:
            verdict = self._verdict(typed, expected, now)
        except UnreadableSecretError:
            return Unproven(Refused(Reason.FACTOR_UNREADABLE), alarm=Alarm.SECRET_UNREADABLE)
        except totp.ClockBehindError:
            return Unproven(Refused(Reason.CLOCK_FAULT), is_charged=False, alarm=Alarm.CLOCK_BEHIND)
        match verdict:
            case totp.Match():
                metrics.TOTP_OFFSET.observe(verdict.offset * totp.PERIOD)
                return verdict
            case totp.Spent(next_in):
                return Unproven(Refused(Reason.CODE_ALREADY_USED, retry_after=next_in), is_charged=False)
            case totp.Stale(minutes_ago):
                return Unproven(Refused(Reason.CODE_EXPIRED, minutes_ago=minutes_ago))
            case totp.Wrong():
                return Unproven(Refused(Reason.INVALID_CODE))

    def sealed(self, secret: str, owner: UUID) -> str:
        """Return a secret encrypted for storage, under the newest key."""
        return self._box.seal(secret, owner)

    def opened(self, sealed: str, owner: UUID) -> str:
        """Return a stored secret in plaintext.

        Raises:
            UnreadableSecretError: no configured key decrypts it.
        """
        return self._box.open(sealed, owner)

    def _verdict(
        self, typed: tuple[str, ...], expected: Expected, now: datetime
    ) -> totp.Match | totp.Spent | totp.Stale | totp.Wrong:
        secret, moment = self._box.open(expected.sealed, expected.owner), now.timestamp()
        last_used, drift = expected.last_step, self._drift
        if len(typed) == 1:
            return totp.examine(secret, typed[0], now=moment, last_used=last_used, drift=drift)
        older, newer = typed
        return totp.examine_pair(secret, older, newer, now=moment, last_used=last_used, drift=drift)
