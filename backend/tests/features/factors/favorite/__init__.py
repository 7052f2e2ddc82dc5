"""A made-up kind of second factor: the owner's favorite animal, which is their name spelled backward."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Response

from focys.domain.lockout import Strength
from focys.domain.outcome import Reason, Refused, Unproven
from focys.features.accounts import users
from focys.features.audit import EventName
from focys.features.factors import REFUSALS, Claim, FactorLoginDep, Proven
from focys.features.feature import Feature
from focys.features.sessions import SignedIn
from focys.infra.db.database import Shape
from focys.infra.web.dependencies import CallerDep
from focys.infra.web.replies import PROBLEMS
from focys.infra.web.requests import Request, Text


class Event(EventName):
    """What happened at a sign-in."""

    FAVORITE = ("favorite animal", "signed in with the animal", "the animal was refused", *REFUSALS)


class Animal(Request):
    """The answer."""

    animal: Text


@dataclass(frozen=True, slots=True)
class HeldAnimal:
    """An account's holding: everybody has a name."""

    animal_name: str


class FavoriteFactor:
    """Takes the animal, as often as it is right."""

    kind = "favorite"
    event = Event.FAVORITE
    amr = "kba"
    held = Shape(HeldAnimal, users.c.display_name.label("animal_name"))

    def is_offered(self, held: HeldAnimal) -> bool:
        return held.animal_name != ""

    def strength(self, answer: Animal) -> Strength:
        return Strength.WEAK

    def profile(self, held: HeldAnimal) -> Mapping[str, int]:
        return {}

    async def verify(self, answer: Animal, held: HeldAnimal, claim: Claim) -> Proven | Unproven:
        return Proven() if answer.animal == held.animal_name[::-1] else Unproven(Refused(Reason.INVALID_CODE))


router = APIRouter(prefix="/auth", tags=["login"], responses=PROBLEMS)


@router.post("/favorite/verify", response_model=SignedIn, response_model_exclude_none=True)
async def verify_favorite(body: Animal, login: FactorLoginDep, caller: CallerDep) -> Response:
    return await login.verify(FavoriteFactor.kind, body, caller)


FEATURE = Feature(events=Event, router=router)
