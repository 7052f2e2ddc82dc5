"""The state of an account in plain words, and as a record for other programs."""

from focys.cli.tables import minute
from focys.features.admin import Person, State

_COLORS = {State.ACTIVE: "green", State.NOT_ENROLLED: ""}
_GUARDED = "guarded: asks for two codes"


def words_for(person: Person) -> str:
    """Return the state of an account: ``locked until 2026-01-31 14:05 UTC``."""
    return ", ".join(_word_for(state, person) for state in person.states)


def color_of(person: Person) -> str:
    """Return the color of the first state."""
    return _COLORS.get(person.states[0], "red")


def record_of(person: Person) -> dict[str, object]:
    """Return the account as JSON shows it."""
    account = person.account
    return {
        "id": account.id,
        "email": account.email,
        "name": account.display_name,
        "role": account.role,
        "states": person.states,
        "locked_until": person.locked_until,
        "created_at": account.created_at,
    }


def _word_for(state: State, person: Person) -> str:
    if state is State.LOCKED and person.locked_until is not None:
        return f"locked until {minute(person.locked_until)} UTC"
    return _GUARDED if state is State.GUARDED else state
