"""The protocols that the login uses to work with any kind of second factor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel

from focys.domain.lockout import Strength
from focys.domain.outcome import Reason, Refused, Unproven
from focys.features.audit import EventName
from focys.infra.db.database import Change, Shape
from focys.infra.web.caller import Caller

Held_contra = TypeVar("Held_contra", contravariant=True)
Answer_contra = TypeVar("Answer_contra", bound=BaseModel, contravariant=True)

REFUSALS = (
    Reason.INVALID_CODE,
    Reason.CODE_ALREADY_USED,
    Reason.CODE_EXPIRED,
    Reason.ACCOUNT_LOCKED,
    Reason.GUARDED,
    Reason.FACTOR_DISABLED,
)
"""Why a proof may be refused; for a factor's ``events.py``."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who is trying to prove a factor, and when.

    Attributes:
        user_id: the owner of the factor.
        email: the account's address.
        login_id: the login in progress.
        version: the account's ``attempt_seq``, for optimistic locking in the guard that spends the proof.
        caller: who sent the request.
        now: the time of the request.
    """

    user_id: UUID
    email: str
    login_id: UUID
    version: int
    caller: Caller
    now: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """What a user receives in addition to the session.

    Attributes:
        changes: the changes that store it.
        shown: the response fields that show it, once.
        profile: the fields of the user's profile that change with it.
    """

    changes: tuple[Change, ...] = ()
    shown: Mapping[str, object] = field(default_factory=dict)
    profile: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proven:
    """A factor was proven.

    Attributes:
        guard: spends the proof by compare-and-set on the account; None if ``accounts.claim`` is enough.
        issued: what the user receives with it.
        tells_owner: whether the changes already include an email to the owner about this sign-in.
    """

    guard: Change | None = None
    issued: Issued = field(default_factory=Issued)
    tells_owner: bool = False


class Factor(Protocol[Held_contra, Answer_contra]):
    """One kind of second factor."""

    @property
    def kind(self) -> str:
        """Its name in the API, as listed in the ``factors`` of a login."""
        ...

    @property
    def event(self) -> EventName:
        """Its event in the audit log and the metrics."""
        ...

    @property
    def amr(self) -> str:
        """Its value in a token's ``amr`` claim (RFC 8176)."""
        ...

    @property
    def held(self) -> Shape[Any]:
        """The columns that hold an account's data for this factor, selectable with a row of ``users``."""
        ...

    def is_offered(self, held: Held_contra) -> bool:
        """Return whether the account can use it now."""
        ...

    def strength(self, answer: Answer_contra) -> Strength:
        """Return how hard a valid answer of this form is to guess."""
        ...

    def profile(self, held: Held_contra) -> Mapping[str, object]:
        """Return its fields in the user's profile."""
        ...

    async def verify(self, answer: Answer_contra, held: Held_contra, claim: Claim) -> Proven | Unproven:
        """Check an answer.

        Raises:
            NotComparedError: the answer cannot be checked now.
        """
        ...


AnyFactor = Factor[Any, Any]


class Companion(Protocol[Held_contra]):
    """A factor that is issued when another one is proven, such as backup codes."""

    @property
    def kind(self) -> str:
        """Its name in the API."""
        ...

    async def issue(self, claim: Claim) -> Issued:
        """Return what a newly enrolled user receives.

        Raises:
            NotComparedError: it cannot be issued now.
        """
        ...

    def dropped(self, user_id: UUID) -> Change:
        """Return the change that deletes all that a user has."""
        ...

    async def replenish(self, held: Held_contra, claim: Claim) -> Issued:
        """Return a new set if the user has none left; otherwise, an empty ``Issued``."""
        ...


class Enroller(Protocol[Answer_contra]):
    """Sets up a factor: during the first sign-in, or in place of an earlier one."""

    @property
    def amr(self) -> str:
        """The factor's value in a token's ``amr`` claim (RFC 8176)."""
        ...

    @property
    def life(self) -> timedelta:
        """How long the user has to set it up."""
        ...

    async def is_begun(self, claim: Claim) -> bool:
        """Return whether this login has already shown a factor to set up."""
        ...

    async def show(self, claim: Claim, *, ends: datetime, restart: bool, number: int = 1) -> BaseModel | Refused:
        """Return the factor to set up. Each login has one until *ends*; *restart* replaces it.

        *number* tells the factors of an account apart: its first, second and so on.
        """
        ...

    async def confirm(self, answer: Answer_contra, claim: Claim) -> Proven | Unproven | Refused:
        """Check the first proof; return Refused if there is no factor to confirm."""
        ...
