"""The login state machine: which proof leads from which step to which. Any pair not in ``NEXT`` is out of turn."""

from enum import StrEnum


class Step(StrEnum):
    """The current step of a login; the values are part of the HTTP contract."""

    PASSWORD = "password"  # noqa: S105  a step's name
    EMAIL_CODE = "email_code"
    ENROLL = "enroll"
    SECOND_FACTOR = "totp"
    NEW_FACTOR = "new_factor"
    DONE = "done"


class Proof(StrEnum):
    """What the caller has just proven."""

    PASSWORD_WITHOUT_MFA = "password, enrollment required"  # noqa: S105
    PASSWORD_MFA_OPTIONAL = "password, no factor and none required"  # noqa: S105
    PASSWORD_WITH_MFA = "password, factor enrolled"  # noqa: S105
    PASSWORD_MFA_BYPASSED = "password, factor enrolled and bypassed"  # noqa: S105
    EMAIL_CODE = "email code"
    FIRST_FACTOR = "first proof of a new factor"
    SECOND_FACTOR = "second factor"
    NEW_FACTOR = "first proof of a factor for someone who is signed in"


NEXT = {
    (Step.PASSWORD, Proof.PASSWORD_WITHOUT_MFA): Step.EMAIL_CODE,
    (Step.PASSWORD, Proof.PASSWORD_MFA_OPTIONAL): Step.DONE,
    (Step.PASSWORD, Proof.PASSWORD_WITH_MFA): Step.SECOND_FACTOR,
    (Step.PASSWORD, Proof.PASSWORD_MFA_BYPASSED): Step.DONE,
    (Step.EMAIL_CODE, Proof.EMAIL_CODE): Step.ENROLL,
    (Step.ENROLL, Proof.FIRST_FACTOR): Step.DONE,
    (Step.SECOND_FACTOR, Proof.SECOND_FACTOR): Step.DONE,
    # No sign-in leads here: it is how someone who is signed in replaces a factor.
    (Step.NEW_FACTOR, Proof.NEW_FACTOR): Step.DONE,
}


class OutOfTurnError(Exception):
    """The proof does not fit the login's current step, which is ``step``."""

    def __init__(self, step: Step) -> None:
        super().__init__(step)
        self.step = step


def advance(step: Step, proof: Proof) -> Step:
    """Return the step that *proof* leads to.

    Raises:
        OutOfTurnError: the proof does not fit the step.
    """
    try:
        return NEXT[step, proof]
    except KeyError:
        raise OutOfTurnError(step) from None


def password_proof(*, mfa_enabled: bool, mfa_required: bool, is_bypassed: bool = False) -> Proof:
    """Return what a correct password proves. Where MFA is required, a password alone is never enough.

    A bypass applies only to users who have a factor; it changes nothing for anyone else.
    """
    if mfa_enabled:
        return Proof.PASSWORD_MFA_BYPASSED if is_bypassed else Proof.PASSWORD_WITH_MFA
    return Proof.PASSWORD_WITHOUT_MFA if mfa_required else Proof.PASSWORD_MFA_OPTIONAL
