"""Known browsers: each has completed a sign-in to the account, and has its own failure count.

A browser is identified by a long-lived random token per account. One cookie holds all its tokens; the database stores
their SHA-256. After a change of password or factor, all browsers are unknown again (``epoch`` no longer matches).
"""

from focys.features.browsers.cookie import MAX_TOKENS, tokens_of
from focys.features.browsers.models import browsers
from focys.features.browsers.repository import (
    CookieParameters,
    browsers_forgotten,
    cookie_parameters,
    count_for,
    is_known,
)
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
    "count_for",
    "is_known",
    "recognize",
    "tokens_of",
]
