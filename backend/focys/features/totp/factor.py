"""Authenticator app codes as a second factor."""

from collections.abc import Mapping
from dataclasses import dataclass

from focys.domain.lockout import Strength
from focys.domain.outcome import Unproven
from focys.features.accounts import claim_and_burn, users
from focys.features.factors import Claim, Proven
from focys.features.totp.codes import Codes, Expected
from focys.features.totp.events import Event
from focys.features.totp.schemas import TotpCodes
from focys.infra.db.database import Shape

AMR = "otp"


@dataclass(frozen=True, slots=True)
class HeldTotp:
    """An account's authenticator: its encrypted secret, and the time step of the last code it used."""

    totp_secret: str | None
    totp_last_step: int | None


class TotpFactor:
    """Accepts one code, or two consecutive ones. Each works once: the write that signs in spends its time step."""

    kind = "totp"
    event = Event.TOTP
    amr = AMR
    held = Shape(HeldTotp, users.c.totp_secret, users.c.totp_last_step)

    def __init__(self, codes: Codes) -> None:
        self._codes = codes

    def is_offered(self, held: HeldTotp) -> bool:
        """Return whether the account has an authenticator."""
        return held.totp_secret is not None

    def strength(self, answer: TotpCodes) -> Strength:
        """Return ``WEAK`` for one code and ``STRONG`` for two."""
        return Strength.WEAK if len(answer.in_order) == 1 else Strength.STRONG

    def profile(self, held: HeldTotp) -> Mapping[str, int]:  # noqa: ARG002  required by the protocol
        """Return nothing: ``mfa_enabled`` already says that there is an authenticator."""
        return {}

    async def verify(self, answer: TotpCodes, held: HeldTotp, claim: Claim) -> Proven | Unproven:
        """Check the code or codes (RFC 6238 section 5.2)."""
        expected = Expected(held.totp_secret or "", claim.user_id, held.totp_last_step)
        match = self._codes.compare(answer.in_order, expected, claim.now)
        if isinstance(match, Unproven):
            return match
        return Proven(claim_and_burn(claim.user_id, claim.version, match))
