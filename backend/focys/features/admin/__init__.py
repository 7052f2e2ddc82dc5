"""What an operator may do to an account: unlock it, reset its second factor, set its password. It shows no secrets."""

from focys.features.admin.service import RESET, Administration, ConflictError, Voided, compose_reset

__all__ = ["RESET", "Administration", "ConflictError", "Voided", "compose_reset"]
