"""The audit events of a login. Each kind of second factor has its own event, in its own feature."""

from typing import assert_never

from focys.domain.login import Proof
from focys.domain.outcome import Reason
from focys.features.audit import AlarmName, EventName
from focys.features.factors import REFUSALS


class Event(EventName):
    """What happened during a login."""

    PASSWORD = ("password", "right password", "wrong password", Reason.INVALID_CREDENTIALS)
    EMAIL_CODE = ("email code", "right emailed code", "wrong emailed code", Reason.INVALID_CODE, Reason.INVALID_TICKET)
    EMAIL_CODE_SENT = ("email code sent", "a code was emailed")
    MFA_ENROLLMENT_STARTED = ("MFA enrolment started", "setup of an authenticator began")
    MFA_ENROLLMENT = (
        "MFA enrolment",
        "set up an authenticator and signed in",
        "the setup of an authenticator was refused",
        *REFUSALS,
    )
    MFA_REPLACED = (
        "MFA replaced",
        "set up a new authenticator",
        "the setup of a new authenticator was refused",
        *REFUSALS,
    )
    MFA_TURNED_OFF = ("MFA turned off", "turned off the second step")
    MFA_BYPASSED = ("MFA bypassed", "signed in with the password alone, under a bypass")
    STEP_UP = ("step-up", "confirmed their identity")
    CHECK = ("MFA check", "checked a code without using it")
    CANCELED = ("login cancelled", "canceled a sign-in")


class Alarm(AlarmName):
    """What needs attention."""

    FACTOR_FAILING = "factor_failing"
    GUARDED = "guarded"
    ENROLLMENT_OUT_OF_TURN = "enrolment_out_of_turn"


def event_of(proof: Proof) -> Event:
    """Return the audit event of a proof.

    Raises:
        ValueError: it is a second factor; each kind has its own event.
    """
    match proof:
        case Proof.PASSWORD_WITHOUT_MFA | Proof.PASSWORD_MFA_OPTIONAL | Proof.PASSWORD_WITH_MFA:
            return Event.PASSWORD
        case Proof.PASSWORD_MFA_BYPASSED:
            return Event.MFA_BYPASSED
        case Proof.EMAIL_CODE:
            return Event.EMAIL_CODE
        case Proof.FIRST_FACTOR:
            return Event.MFA_ENROLLMENT
        case Proof.NEW_FACTOR:
            return Event.MFA_REPLACED
        case Proof.SECOND_FACTOR:
            raise ValueError(proof)
        case _:
            assert_never(proof)
