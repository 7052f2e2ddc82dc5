"""The authenticator app: enrolment (a pending secret of its own row), and the judgement of codes.

    pending = await totp.pending(user_id) or …      # the same secret for 15 minutes, whatever is typed or reloaded
    totp.judge(sealed, user_id, code, …)            # -> Match | Spent | Stale | Wrong, with the step to burn

The arithmetic is ``focys.domain.totp``; burning the step and replacing the active secret are part of the login's write.
"""

from focys.features.totp.models import totp_enrolments
from focys.features.totp.qr import png_data_uri
from focys.features.totp.repository import ENROLMENT_LIFE, all_enrolments_dropped, enrolment_dropped
from focys.features.totp.service import (
    Pending,
    Progress,
    Rotation,
    SecretsByKey,
    Totp,
    Trial,
    new_secret,
)

__all__ = [
    "ENROLMENT_LIFE",
    "Pending",
    "Progress",
    "Rotation",
    "SecretsByKey",
    "Totp",
    "Trial",
    "all_enrolments_dropped",
    "enrolment_dropped",
    "new_secret",
    "png_data_uri",
    "totp_enrolments",
]
