"""Passwords: what is acceptable, and how it is stored.

await passwords.check(password, address)     # -> a Weakness or None, when one is chosen
await passwords.verify(stored, password)     # the same work for an account that does not exist
"""

from focys.features.passwords.service import Passwords, WeakPasswordError

__all__ = ["Passwords", "WeakPasswordError"]
