"""What a second factor is. Each kind is a folder of its own that implements ``Factor``; the login knows no other word.

A new kind is registered by one line in ``focys.app``: sign-in, lockout, audit and metrics then treat it as any other.
"""

from focys.features.factors.protocol import AnyFactor, Claim, Companion, Enroller, Factor, Issued, Proven

__all__ = ["AnyFactor", "Claim", "Companion", "Enroller", "Factor", "Issued", "Proven"]
