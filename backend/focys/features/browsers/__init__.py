"""Browsers that completed a sign-in of an account, each with a failure count of its own.

A browser is known by a long-lived random token for each account, all of them in one cookie; the database keeps their
SHA-256. A change of password or factor makes every browser a stranger again (its ``epoch`` no longer matches).
"""

from focys.features.browsers.cookie import MAX_TOKENS, tokens_of
from focys.features.browsers.models import browsers
from focys.features.browsers.repository import CookieParameters, browsers_forgotten, cookie_parameters, is_known
from focys.features.browsers.service import COOKIE_LIFE, Known, Recognition, recognize

__all__ = [
    "COOKIE_LIFE",
    "MAX_TOKENS",
    "CookieParameters",
    "Known",
    "Recognition",
    "browsers",
    "browsers_forgotten",
    "cookie_parameters",
    "is_known",
    "recognize",
    "tokens_of",
]
