"""The authenticator app: a second factor, its set-up, and the stored secrets.

    TotpFactor(codes)                        compares codes at a sign-in
    TotpEnrolment(database, codes, …)        shows a secret, and takes its first code
    TotpSecrets(database, box, …)            counts, tries and re-encrypts what is stored

The arithmetic is ``focys.domain.totp``; spending a code and storing a new secret are part of the login's write.
"""

from datetime import timedelta

from focys.features.feature import Feature
from focys.features.totp.codes import Codes
from focys.features.totp.enrolment import TotpEnrolment, new_secret
from focys.features.totp.factor import TotpFactor
from focys.features.totp.models import totp_setups
from focys.features.totp.qr import png_data_uri
from focys.features.totp.repository import ENROLMENT_LIFE, all_setups_dropped, setups_dropped
from focys.features.totp.stored_secrets import DecryptReport, Progress, Rotation, SecretsByKey, TotpSecrets
from focys.infra.db.retention import kept_for

FEATURE = Feature(retention=(kept_for(totp_setups.c.expires_at, timedelta(0)),))

__all__ = [
    "ENROLMENT_LIFE",
    "FEATURE",
    "Codes",
    "DecryptReport",
    "Progress",
    "Rotation",
    "SecretsByKey",
    "TotpEnrolment",
    "TotpFactor",
    "TotpSecrets",
    "all_setups_dropped",
    "new_secret",
    "png_data_uri",
    "setups_dropped",
    "totp_setups",
]
