"""The interface of second factors. Each kind implements ``Factor`` in its own folder; the login uses nothing else.

One line in ``focys.services`` registers a new kind; sign-in, lockout, audit and metrics then treat it like any other.
"""

from focys.features.factors.protocol import REFUSALS, AnyFactor, Claim, Companion, Enroller, Factor, Issued, Proven

__all__ = ["REFUSALS", "AnyFactor", "Claim", "Companion", "Enroller", "Factor", "Issued", "Proven"]
