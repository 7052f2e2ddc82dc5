"""What an operator may do to an account: unlock it, reset its second factor, set its password. It shows no secrets."""

from focys.features.admin.notices import RESET
from focys.features.admin.service import Administration, ConflictError, Voided
from focys.features.feature import Feature

FEATURE = Feature(mails=(RESET,))

__all__ = ["FEATURE", "RESET", "Administration", "ConflictError", "Voided"]
