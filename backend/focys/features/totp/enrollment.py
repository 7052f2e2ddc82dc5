"""Sets up an authenticator app: a login shows a secret, and its first code adds it to the account."""

import base64
import secrets
from datetime import datetime

from focys.domain import totp
from focys.domain.outcome import Reason, Refused, Unproven
from focys.features.accounts import claim_and_enroll
from focys.features.factors import Claim, Issued, Proven
from focys.features.totp.codes import Codes, Expected
from focys.features.totp.factor import AMR
from focys.features.totp.qr import png_data_uri
from focys.features.totp.repository import ENROLLMENT_LIFE, SetupRepository, StoredSetup, setups_dropped
from focys.features.totp.schemas import Enrollment, FirstCode
from focys.infra.crypto.secret_box import UnreadableSecretError
from focys.infra.db.database import Database
from focys.infra.ops import metrics


class TotpEnrollment:
    """Sets up authenticator apps; implements ``Enroller``."""

    amr = AMR
    life = ENROLLMENT_LIFE

    def __init__(self, database: Database, codes: Codes, *, app_name: str) -> None:
        self._database, self._codes, self._app_name = database, codes, app_name
        self._repository = SetupRepository(database)

    async def is_begun(self, claim: Claim) -> bool:
        """Return whether this login has already shown a secret."""
        return await self._find(claim) is not None

    async def show(self, claim: Claim, *, ends: datetime, restart: bool, number: int = 1) -> Enrollment | Refused:
        """Return the login's secret: the same on every call until it expires, or a new one on *restart*."""
        stored = await self._find(claim)
        if stored is None or restart:
            sealed, replaces = self._codes.sealed(new_secret(), claim.user_id), stored.sealed if stored else ""
            await self._database.write(self._repository.begun(claim, sealed, replaces=replaces, ends=ends))
            stored = await self._find(claim)
        # It is missing only if the account was enrolled in the meantime.
        return self._as_shown(stored, claim, number) if stored is not None else Refused(Reason.ENROLLMENT_EXPIRED)

    async def confirm(self, answer: FirstCode, claim: Claim) -> Proven | Unproven | Refused:
        """Check the first code, and spend it; Refused if there is no secret to confirm."""
        stored = await self._find(claim)
        if stored is None:
            return Refused(Reason.ENROLLMENT_EXPIRED)
        match = self._codes.compare((answer.code,), Expected(stored.sealed, claim.user_id), claim.now)
        if isinstance(match, Unproven):
            return match
        sealed = self._codes.sealed(self._codes.opened(stored.sealed, claim.user_id), claim.user_id)
        guard = claim_and_enroll(claim.user_id, claim.version, match, sealed=sealed, now=claim.now)
        return Proven(guard, Issued((setups_dropped(claim.user_id),)))

    async def _find(self, claim: Claim) -> StoredSetup | None:
        """Return the login's secret; delete it instead if no configured key decrypts it."""
        stored = await self._repository.find(claim.login_id, claim.now)
        try:
            if stored is not None:
                self._codes.opened(stored.sealed, claim.user_id)
        except UnreadableSecretError:
            await self._repository.drop(claim.login_id)
            return None
        return stored

    def _as_shown(self, stored: StoredSetup, claim: Claim, number: int) -> Enrollment:
        secret = self._codes.opened(stored.sealed, claim.user_id)
        issuer, account = totp.label_parts(self._app_name, claim.email, number=number)
        uri = totp.provisioning_uri(secret, issuer=issuer, account=account)
        return Enrollment(
            secret=secret,
            provisioning_uri=uri,
            qr_code=_qr_code(uri),
            issuer=issuer,
            account=account,
            expires_at=stored.expires_at,
            expires_in=max(0, int((stored.expires_at - claim.now).total_seconds())),
        )


def new_secret() -> str:
    """Return 160 random bits as 32 Base32 characters (RFC 4226 section 4, R6)."""
    return base64.b32encode(secrets.token_bytes(totp.SECRET_BYTES)).decode()


def _qr_code(uri: str) -> str:
    with metrics.QR_FAULTS.count_exceptions(), metrics.QR_SECONDS.time():
        return png_data_uri(uri)
