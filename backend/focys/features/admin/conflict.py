"""What happens if an account keeps changing while an operator acts on it."""

TRIES = 5


class ConflictError(Exception):
    """Concurrent attempts kept changing the account; nothing was changed."""

    def __init__(self) -> None:
        super().__init__("The account was busy; nothing was changed. Try again.")
