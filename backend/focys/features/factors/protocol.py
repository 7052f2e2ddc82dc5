"""The protocols between the login and the kinds of second factor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel

from focys.domain.lockout import Strength
from focys.domain.outcome import Refused, Unproven
from focys.infra.db.database import Change, Shape
from focys.infra.web.visitor import Visitor

Held_contra = TypeVar("Held_contra", contravariant=True)
Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Claim:
    """Who is proving a factor, and when.

    Attributes:
        user_id: whose factor it is.
        email: the account's address.
        login_id: the login it is proven in.
        version: the account's ``attempt_seq``, for the guard that spends the proof.
        visitor: where the request comes from.
        now: the time.
    """

    user_id: UUID
    email: str
    login_id: UUID
    version: int
    visitor: Visitor
    now: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """What a user gets besides the session.

    Attributes:
        changes: the changes to write for it.
        shown: the fields of the response that show it.
        profile: the factor's fields of the user afterward.
    """

    changes: tuple[Change, ...] = ()
    shown: Mapping[str, object] = field(default_factory=dict)
    profile: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proven:
    """A factor was proven.

    Attributes:
        guard: spends the proof by compare-and-set on the account; None if ``accounts.claim`` is enough.
        issued: further changes, and how the response shows them.
        tells_owner: whether these changes email the owner, who then needs no other email about this sign-in.
    """

    guard: Change | None = None
    issued: Issued = field(default_factory=Issued)
    tells_owner: bool = False


class Factor(Protocol[Held_contra, Answer]):
    """One kind of second factor."""

    @property
    def kind(self) -> str:
        """Its name in the API, among the ``factors`` of a login."""
        ...

    @property
    def event(self) -> str:
        """Its name in the audit log and the metrics."""
        ...

    @property
    def amr(self) -> str:
        """Its value in a token's ``amr`` (RFC 8176)."""
        ...

    @property
    def path(self) -> str:
        """Its path below ``/auth``; the body is a ``request``."""
        ...

    @property
    def request(self) -> type[Answer]:
        """The body of its call."""
        ...

    @property
    def held(self) -> Shape[Any]:
        """The columns, for a row of ``users``, with what an account holds of it."""
        ...

    def is_offered(self, held: Held_contra) -> bool:
        """Tell whether the account can use it now."""
        ...

    def strength(self, answer: Answer) -> Strength:
        """Return how hard this answer is to guess."""
        ...

    def profile(self, held: Held_contra) -> Mapping[str, int]:
        """Return what a user sees of it."""
        ...

    async def verify(self, answer: Answer, held: Held_contra, claim: Claim) -> Proven | Unproven:
        """Compare an answer.

        Raises:
            NotComparedError: it cannot be compared now.
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
        """Return what a newly enrolled user gets.

        Raises:
            NotComparedError: it cannot be made now.
        """
        ...

    async def replenish(self, held: Held_contra, claim: Claim) -> Issued:
        """Return new ones for a user who has none left, or nothing."""
        ...


class Enroller(Protocol[Answer]):
    """Sets a factor up during the first sign-in."""

    @property
    def amr(self) -> str:
        """The factor's value in a token's ``amr``."""
        ...

    @property
    def life(self) -> timedelta:
        """How long setting it up may take."""
        ...

    @property
    def request(self) -> type[Answer]:
        """The body that confirms it."""
        ...

    @property
    def shown(self) -> type[BaseModel]:
        """The body that shows what to set up."""
        ...

    async def is_begun(self, claim: Claim) -> bool:
        """Tell whether this login has shown a factor to set up."""
        ...

    async def show(self, claim: Claim, *, ends: datetime, restart: bool) -> BaseModel | Refused:
        """Return the factor to set up: the same for one login until it ends, or a new one on *restart*."""
        ...

    async def confirm(self, answer: Answer, claim: Claim) -> Proven | Unproven | Refused:
        """Compare the first proof; Refused if there is nothing to compare it with."""
        ...
