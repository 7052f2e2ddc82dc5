"""Browsers that completed a sign-in of an account, each with a failure count of its own.

A browser is known by a long-lived random cookie; the database keeps its SHA-256, per account. A change of password or
factor makes every browser a stranger again (its ``epoch`` no longer matches).
"""

from focys.features.browsers.models import browsers
from focys.features.browsers.repository import browsers_forgotten
from focys.features.browsers.service import COOKIE_LIFE, Recognition, recognise

__all__ = ["COOKIE_LIFE", "Recognition", "browsers", "browsers_forgotten", "recognise"]
