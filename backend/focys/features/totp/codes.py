"""Checks codes against an encrypted secret, and converts the result for the login."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from focys.domain import totp
from focys.domain.outcome import Reason, Refused, Unproven
from focys.features.totp.events import Alarm
from focys.infra.crypto.secret_box import SecretBox, UnreadableSecretError
from focys.infra.ops import metrics


@dataclass(frozen=True, slots=True)
class Expected:
    """What codes are checked against: an encrypted secret, its owner, and the time step of the last code used."""

    sealed: str
    owner: UUID
    last_step: int | None = None


class Codes:
    """Checks codes. *drift* is how many 30-second time steps before and after the current one are accepted."""

    def __init__(self, box: SecretBox, *, drift: int) -> None:
        self._box, self._drift = box, drift

    def compare(self, typed: tuple[str, ...], expected: Expected, now: datetime) -> totp.Match | Unproven:
        """Check one code, or two consecutive ones. A secret that cannot be decrypted matches no code."""
        try:
            result = self._examine(typed, expected, now)
        except UnreadableSecretError:
            return Unproven(Refused(Reason.FACTOR_UNREADABLE), alarm=Alarm.SECRET_UNREADABLE)
        except totp.ClockBehindError:
            return Unproven(Refused(Reason.CLOCK_FAULT), is_charged=False, alarm=Alarm.CLOCK_BEHIND)
        match result:
            case totp.Match():
                metrics.TOTP_OFFSET.observe(result.offset * totp.PERIOD)
                return result
            case totp.Spent(next_in):
                return Unproven(Refused(Reason.CODE_ALREADY_USED, retry_after=next_in), is_charged=False)
            case totp.Stale(minutes_ago):
                return Unproven(Refused(Reason.CODE_EXPIRED, minutes_ago=minutes_ago))
            case totp.Wrong():
                return Unproven(Refused(Reason.INVALID_CODE))

    def sealed(self, secret: str, owner: UUID) -> str:
        """Return a secret encrypted under the newest key, for storage."""
        return self._box.seal(secret, owner)

    def opened(self, sealed: str, owner: UUID) -> str:
        """Return a stored secret in plaintext.

        Raises:
            UnreadableSecretError: no configured key decrypts it.
        """
        return self._box.open(sealed, owner)

    def _examine(
        self, typed: tuple[str, ...], expected: Expected, now: datetime
    ) -> totp.Match | totp.Spent | totp.Stale | totp.Wrong:
        secret, moment = self._box.open(expected.sealed, expected.owner), now.timestamp()
        last_used, drift = expected.last_step, self._drift
        if len(typed) == 1:
            return totp.examine(secret, typed[0], now=moment, last_used=last_used, drift=drift)
        older, newer = typed
        return totp.examine_pair(secret, (older, newer), now=moment, last_used=last_used, drift=drift)
