"""Checking a second factor, an emailed code or a new authenticator's first code: charge, compare, write the result.

Passwords follow the same order in ``features/login/password.py``.

A charge is a failure that is committed before the comparison. It is refunded only if the proof was right or nothing
was compared. So an error at any point leaves the attempt charged, and no interleaving of attempts compares more than
their charges allow. ``tests/domain/test_attempt_interleavings.py`` runs all interleavings of three attempts.
"""

from typing import Protocol, TypeVar

from focys.domain.outcome import Reason, Refused, Unproven

CHARGE_TRIES = 8
"""How often a charge is retried when other attempts on the same account are charged first."""
WRITE_TRIES = 3
"""How often a proof is compared when the account changes before the result is written."""

BUSY = Refused(Reason.THROTTLED, retry_after=1)

Facts = TypeVar("Facts")
Proof = TypeVar("Proof")
OutcomeT_co = TypeVar("OutcomeT_co", covariant=True)


class NotComparedError(Exception):
    """The proof could not be compared, so the charge is refunded."""


class Attempt(Protocol[Facts, Proof, OutcomeT_co]):
    """One attempt at one step, decided from *Facts*; a successful comparison yields a *Proof*."""

    async def charge(self) -> Facts | Refused | None:
        """Charge the attempt and return the facts it was based on; None if another charge came first."""
        ...

    async def look_again(self) -> Facts | Refused:
        """Return the current facts; the attempt stays charged."""
        ...

    async def compare(self, facts: Facts) -> Proof | Unproven:
        """Compare what was entered with the facts.

        Raises:
            NotComparedError: the comparison was impossible. ``run`` raises its cause instead.
        """
        ...

    async def give_back(self, facts: Facts) -> None:
        """Refund the charge without writing a result."""
        ...

    async def accept(self, facts: Facts, proof: Proof) -> OutcomeT_co | None:
        """Write the success and refund the charge; None if the charge or the account no longer matches the facts."""
        ...

    async def fail(self, facts: Facts, unproven: Unproven) -> Refused:
        """Write the failure and return its refusal; ``BUSY``, which reveals nothing, if the charge is gone."""
        ...


async def run(attempt: Attempt[Facts, Proof, OutcomeT_co]) -> OutcomeT_co | Refused:
    """Make an attempt and return its outcome."""
    facts = None
    for _ in range(CHARGE_TRIES):
        facts = await attempt.charge()
        if facts is not None:
            break
    if facts is None:
        return BUSY
    if isinstance(facts, Refused):
        return facts
    for _ in range(WRITE_TRIES):
        result = await _compare(attempt, facts)
        if isinstance(result, Unproven):
            return await attempt.fail(facts, result)
        outcome = await attempt.accept(facts, result)
        if outcome is not None:
            return outcome
        again = await attempt.look_again()
        if isinstance(again, Refused):
            # The proof was right, but another attempt or an account change came first.
            await attempt.give_back(facts)
            return again
        facts = again
    await attempt.give_back(facts)
    return BUSY


async def _compare(attempt: Attempt[Facts, Proof, OutcomeT_co], facts: Facts) -> Proof | Unproven:
    """Compare; if that raises an unexpected error, write a failure before raising it."""
    try:
        return await attempt.compare(facts)
    except NotComparedError as fault:
        await attempt.give_back(facts)
        raise (fault.__cause__ or fault) from None
    except OSError:
        # The database is unreachable, so nothing can be written either.
        raise
    except Exception:
        await attempt.fail(facts, Unproven(Refused(Reason.INTERNAL)))
        raise
