"""The interface of second factors. Each kind implements ``Factor`` in its own folder; the login uses nothing else.

``focys.services`` lists the kinds; sign-in, lockout, audit and metrics then treat a new one like any other.
"""

from focys.features.factors.dependencies import FactorLogin, FactorLoginDep
from focys.features.factors.protocol import REFUSALS, AnyFactor, Claim, Companion, Enroller, Factor, Issued, Proven

__all__ = [
    "REFUSALS",
    "AnyFactor",
    "Claim",
    "Companion",
    "Enroller",
    "Factor",
    "FactorLogin",
    "FactorLoginDep",
    "Issued",
    "Proven",
]
