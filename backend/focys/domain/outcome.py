"""Refusals. They are returned, not raised: a wrong code is a result to commit, not an exception."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from focys.domain.login import Step


class Reason(StrEnum):
    """Why a request was refused: the ``code`` in the HTTP contract (never changes), the status and a sentence."""

    # A sentence mentions no wait: ``Refused.detail`` adds it.

    status: int
    sentence: str

    def __new__(cls, code: str, status: int, sentence: str) -> Self:
        """Make a member whose value is the code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.status, member.sentence = status, sentence
        return member

    INVALID_CREDENTIALS = ("invalid_credentials", 401, "The email address or password is wrong.")
    THROTTLED = ("throttled", 429, "Too many tries.")
    LOGIN_EXPIRED = ("login_expired", 401, "This sign-in has expired. Please start again.")
    OUT_OF_TURN = ("out_of_turn", 409, "This sign-in is at a different step.")
    INVALID_CODE = ("invalid_code", 401, "That code is wrong.")
    CODE_ALREADY_USED = ("code_already_used", 401, "That code has already been used. Enter another one.")
    CODE_EXPIRED = ("code_expired", 401, "That code has expired. Check that your phone sets its clock automatically.")
    NEW_CODE_NEEDED = ("new_code_needed", 401, "That code no longer works. Ask for a new one.")
    TICKET_NEEDED = ("ticket_needed", 409, "You need the ticket that your administrator gave you.")
    INVALID_TICKET = (
        "invalid_ticket",
        401,
        "That ticket is wrong or has expired. Ask your administrator for a new one.",
    )
    ACCOUNT_LOCKED = ("account_locked", 429, "Account locked after too many wrong codes.")
    GUARDED = ("guarded", 409, "This account needs two codes in a row, or a backup code.")
    FACTOR_DISABLED = ("factor_disabled", 403, "Too many wrong codes. Use a backup code, or a new password.")
    ENROLLMENT_EXPIRED = ("enrolment_expired", 409, "This setup has expired. Start over for a new QR code.")
    FACTOR_UNREADABLE = (
        "factor_unreadable",
        403,
        "Your authenticator cannot be checked. Only an administrator can fix this.",
    )
    CLOCK_FAULT = ("clock_fault", 503, "The server's clock is wrong, so codes cannot be checked.")
    CODES_OUTDATED = ("codes_outdated", 409, "These backup codes were already saved or replaced.")
    FACTOR_NEEDED = ("factor_needed", 409, "Set up an authenticator app first.")
    SESSION_ENDED = ("session_ended", 401, "This session has ended. Please sign in again.")
    NOT_AUTHENTICATED = ("not_authenticated", 401, "Please sign in.")
    STEP_UP_REQUIRED = ("step_up_required", 403, "Please confirm that it's you first.")
    APP_CODE_REQUIRED = ("app_code_required", 403, "Please confirm with a code from your authenticator app.")
    MFA_REQUIRED = ("mfa_required", 403, "Everyone here needs a second step, so you cannot turn it off.")
    FORBIDDEN = ("forbidden", 403, "Only administrators can do this.")
    INVALID_REQUEST = ("invalid_request", 422, "The request has an invalid field.")
    FORBIDDEN_ORIGIN = ("forbidden_origin", 403, "This request is not allowed from another site.")
    UNKNOWN_HOST = ("unknown_host", 400, "This service is not available under that host name.")
    NOT_FOUND = ("not_found", 404, "There is nothing at this address.")
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, "This address does not allow that method.")
    PAYLOAD_TOO_LARGE = ("payload_too_large", 413, "The request is too large.")
    REQUEST_TIMEOUT = ("request_timeout", 408, "The request took too long to arrive.")
    UNSUPPORTED_MEDIA_TYPE = ("unsupported_media_type", 415, "Send JSON, with Content-Type: application/json.")
    BUSY = ("busy", 503, "The service is busy.")
    UNAVAILABLE = ("unavailable", 503, "The service cannot be reached just now.")
    INTERNAL = ("internal", 500, "Something went wrong on our side. Nothing was accepted.")


_UNITS = (("day", 86_400, 2), ("hour", 3_600, 2), ("minute", 60, 1))


def in_words(seconds: int) -> str:
    """Return a wait, rounded up, so that it is never too early: ``5 seconds``, ``52 minutes``, ``3 hours``."""
    for unit, length, fewest in _UNITS:
        if seconds >= fewest * length:
            return _counted(-(-seconds // length), unit)
    return _counted(seconds, "second")


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"


class AlarmName(StrEnum):
    """The base of each feature's alarms: ``alarm`` in the log line, and a counter in /metrics."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal, with the details its recipient may see. Times are whole seconds."""

    reason: Reason
    retry_after: int | None = None
    tries_left: int | None = None
    next_pause: int | None = None
    minutes_ago: int | None = None
    step: Step | None = None

    @property
    def detail(self) -> str:
        """The reason's sentence, and when to try again."""
        if self.retry_after is None:
            return self.reason.sentence
        return f"{self.reason.sentence} Try again in {in_words(self.retry_after)}."


@dataclass(frozen=True, slots=True)
class Unproven:
    """A comparison that failed.

    ``is_charged`` is False if the charge is refunded: the code was right but already used, or nothing was compared.
    ``alarm`` names a problem for the operator.
    """

    refused: Refused
    is_charged: bool = True
    alarm: AlarmName | None = None
