"""Audit events in plain words."""

from focys.features.audit import KeptEvent, Outcome

_DONE = {
    "password": "right password",
    "email code": "right emailed code",
    "email code sent": "a code was emailed",
    "TOTP": "signed in with a code from the app",
    "MFA backup code": "signed in with a backup code",
    "MFA backup codes replaced": "got new backup codes",
    "MFA enrolment started": "setup of an authenticator began",
    "MFA enrolment": "set up an authenticator and signed in",
    "MFA bypassed": "signed in with the password alone, under a bypass",
    "step-up": "confirmed that it is them",
    "login cancelled": "canceled a sign-in",
    "session refresh": "session continued",
    "sign-out": "signed out",
    "account created": "an operator created the account",
    "account renamed": "an operator changed the name",
    "account disabled": "an operator disabled the account",
    "account enabled": "an operator enabled the account",
    "account deleted": "an operator deleted the account",
    "email address changed": "an operator changed the address",
    "password set": "an operator set a new password",
    "MFA reset": "an operator reset the second step",
    "MFA unlocked": "an operator unlocked the account",
    "MFA bypass started": "an operator let the person sign in without the second step",
    "MFA bypass ended": "an operator required the second step again",
    "MFA keys rotated": "an operator re-encrypted all secrets",
    "all sessions ended": "an operator ended everyone's sessions",
    "network unlocked": "an operator unlocked a network",
    "audit pruned": "an operator deleted old events",
    "backup restored": "an operator restored a backup",
}
_REFUSED = {
    "password": "wrong password",
    "email code": "wrong emailed code",
    "TOTP": "the code from the app was refused",
    "MFA backup code": "the backup code was refused",
    "MFA enrolment": "the setup of an authenticator was refused",
    "session refresh": "the session was not continued",
}
_PLAIN_REASONS = {"invalid_credentials": "", "invalid_code": "wrong code", "enrolment_expired": "setup expired"}
EVENTS = tuple(_DONE)


def words_for(event: KeptEvent) -> str:
    """Return what happened, and for a refusal the reason."""
    if event.outcome == Outcome.OK:
        return _DONE.get(event.event, event.event)
    what = _REFUSED.get(event.event, f"{event.event} was refused")
    reason = _PLAIN_REASONS.get(event.reason or "", (event.reason or "").replace("_", " "))
    return f"{what}: {reason}" if reason and reason not in what else what
