"""The authenticator app (TOTP, RFC 6238): a second factor, its setup, and the stored secrets.

    TotpFactor(codes)                        checks codes at a sign-in
    TotpEnrollment(database, codes, …)        shows a secret, and checks its first code
    TotpSecrets(database, box, …)            counts, test-decrypts and re-encrypts the stored secrets

``focys.domain.totp`` does the arithmetic. A code is spent, and a new secret stored, as part of the login's write.
"""

from datetime import timedelta

from focys.features.feature import Feature
from focys.features.totp.codes import Codes
from focys.features.totp.enrollment import TotpEnrollment, new_secret
from focys.features.totp.events import Alarm, Event
from focys.features.totp.factor import TotpFactor
from focys.features.totp.models import totp_setups
from focys.features.totp.qr import png_data_uri
from focys.features.totp.repository import ENROLLMENT_LIFE, all_setups_dropped, setups_dropped
from focys.features.totp.router import router
from focys.features.totp.stored_secrets import DecryptReport, Progress, Rotation, SecretsByKey, TotpSecrets
from focys.infra.db.retention import kept_for

FEATURE = Feature(
    events=Event,
    alarms=Alarm,
    retention=(kept_for(totp_setups.c.expires_at, timedelta(0)),),
    router=router,
)

__all__ = [
    "ENROLLMENT_LIFE",
    "FEATURE",
    "Codes",
    "DecryptReport",
    "Progress",
    "Rotation",
    "SecretsByKey",
    "TotpEnrollment",
    "TotpFactor",
    "TotpSecrets",
    "all_setups_dropped",
    "new_secret",
    "png_data_uri",
    "setups_dropped",
    "totp_setups",
]
