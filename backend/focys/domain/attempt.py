"""How every guessable proof is tried: charged, then compared, then written. In this order, and nowhere else.

A charge is a failure that is committed before the comparison. It is refunded only if the proof was right or nothing
was compared. A fault at any point therefore leaves the attempt charged, and no interleaving of attempts compares more
than their charges allow. ``tests/domain/test_attempt_interleavings.py`` runs all of them.
"""

from typing import Protocol, TypeVar

from focys.domain.outcome import Reason, Refused, Unproven

CHARGE_TRIES = 8
"""How many times a charge is tried when other attempts on the same account are charged first."""
WRITE_TRIES = 3
"""How many times an answer is compared when the account changes before the verdict is written."""

BUSY = Refused(Reason.THROTTLED, retry_after=1)

Facts = TypeVar("Facts")
Proof = TypeVar("Proof")
OutcomeT_co = TypeVar("OutcomeT_co", covariant=True)


class NotComparedError(Exception):
    """The proof could not be compared, so its charge is refunded."""


class Attempt(Protocol[Facts, Proof, OutcomeT_co]):
    """One try at one step, decided from *Facts*; a right answer yields a *Proof*."""

    async def charge(self) -> Facts | Refused | None:
        """Charge the attempt and return the facts it was charged against; None if another charge came first."""
        ...

    async def look_again(self) -> Facts | Refused:
        """Return the facts as they are now; the attempt stays charged."""
        ...

    async def compare(self, facts: Facts) -> Proof | Unproven:
        """Compare the answer.

        Raises:
            NotComparedError: that was not possible; its cause is raised instead.
        """
        ...

    async def give_back(self, facts: Facts) -> None:
        """Refund the charge: nothing was compared."""
        ...

    async def accept(self, facts: Facts, proof: Proof) -> OutcomeT_co | None:
        """Write the success and refund the charge; None if the charge or the account is no longer as in the facts."""
        ...

    async def fail(self, facts: Facts, unproven: Unproven) -> Refused:
        """Write the failure and return its refusal; ``BUSY``, which tells nothing, if the charge is gone."""
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
        verdict = await _compared(attempt, facts)
        if isinstance(verdict, Unproven):
            return await attempt.fail(facts, verdict)
        outcome = await attempt.accept(facts, verdict)
        if outcome is not None:
            return outcome
        again = await attempt.look_again()
        if isinstance(again, Refused):
            # The answer was right; another one, or a change of the account, came first.
            await attempt.give_back(facts)
            return again
        facts = again
    await attempt.give_back(facts)
    return BUSY


async def _compared(attempt: Attempt[Facts, Proof, OutcomeT_co], facts: Facts) -> Proof | Unproven:
    """Compare the answer; write a fault during the comparison as a failure, and raise it."""
    try:
        return await attempt.compare(facts)
    except NotComparedError as fault:
        await attempt.give_back(facts)
        raise (fault.__cause__ or fault) from None
    except OSError:
        # The database does not answer, so nothing can be written either.
        raise
    except Exception:
        await attempt.fail(facts, Unproven(Refused(Reason.INTERNAL)))
        raise
