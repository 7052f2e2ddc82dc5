"""Refusals are values: a wrong code is a fact to be committed, not an error to be raised."""

from dataclasses import dataclass
from enum import StrEnum

from focys.domain.login import Step


class Reason(StrEnum):
    """Why something was refused; the values are the ``code`` of the HTTP contract and never change."""

    INVALID_CREDENTIALS = "invalid_credentials"
    THROTTLED = "throttled"
    LOGIN_EXPIRED = "login_expired"
    OUT_OF_TURN = "out_of_turn"
    INVALID_CODE = "invalid_code"
    CODE_ALREADY_USED = "code_already_used"
    CODE_EXPIRED = "code_expired"
    NEW_CODE_NEEDED = "new_code_needed"
    ACCOUNT_LOCKED = "account_locked"
    GUARDED = "guarded"
    FACTOR_DISABLED = "factor_disabled"
    ENROLMENT_EXPIRED = "enrolment_expired"
    FACTOR_UNREADABLE = "factor_unreadable"
    CLOCK_FAULT = "clock_fault"
    SESSION_ENDED = "session_ended"
    NOT_AUTHENTICATED = "not_authenticated"
    INVALID_REQUEST = "invalid_request"
    FORBIDDEN_ORIGIN = "forbidden_origin"
    UNKNOWN_HOST = "unknown_host"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    REQUEST_TIMEOUT = "request_timeout"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal, with what its owner may know about it. Times are whole seconds."""

    reason: Reason
    retry_after: int | None = None
    tries_left: int | None = None
    minutes_ago: int | None = None
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Unproven:
    """The answer was compared and is not a proof.

    ``is_charged`` is False if the charge is refunded: the code was right, but used before. ``alarm`` names what an
    operator should look at.
    """

    refused: Refused
    is_charged: bool = True
    alarm: str | None = None
