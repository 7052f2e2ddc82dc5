"""Password policy and password hashes.

await passwords.choose(password, address)    # -> the hash to store, or WeakPasswordError
await passwords.verify(stored, password)     # takes as long when stored is None (no such account)
"""

from focys.features.passwords.service import Passwords, WeakPasswordError, new_password

__all__ = ["Passwords", "WeakPasswordError", "new_password"]
