"""A whole school behind one address, on its first day: nobody is known there, and twenty mistype."""

from tests.conftest import MakeWorld
from tests.faults.people import some_people
from tests.sieges.aftermath import NEW_BROWSER, rows_after
from tests.sieges.owner import FIVE_MINUTES
from tests.sieges.school import Pupil, morning
from tests.support.service import World

SCHOOL = "198.51.100.1"
PEOPLE, MISTYPING = 300, 20
SECONDS = 600


async def assert_everyone_is_in(world: World, pupils: list[Pupil]) -> None:
    """Check that the morning goes well for all."""
    await morning(world, SCHOOL, pupils)
    await world.deliver()

    late = {pupil.person.email: pupil.took for pupil in pupils if pupil.took is None or pupil.took > FIVE_MINUTES}
    assert not late
    # Everyone is told of the new browser, and of nothing else.
    told = [to for to, email in world.mail.emails if email.subject.startswith(NEW_BROWSER)]
    assert sorted(told) == sorted(pupil.person.email for pupil in pupils)
    assert len(world.mail.emails) == len(pupils)
    rows = await rows_after(world)
    # A login each; each account's counters of passwords and of logins begun here, and one that it was tried here.
    assert rows["pending_logins"] == len(pupils)
    assert rows["throttles"] <= 4 * len(pupils) + 2
    assert rows["second_factor_failures"] == 0


async def test_everyone_signs_in_within_five_minutes(world: World):
    """Two people mistype a minute, up to three times, and type it right within the minute."""
    people = await some_people(world.services, PEOPLE, enrolled=True)
    every = PEOPLE // MISTYPING

    pupils = [
        Pupil(person, number * SECONDS / PEOPLE, mistakes=1 + number // every % 3 if number % every == 0 else 0)
        for number, person in enumerate(people)
    ]

    await assert_everyone_is_in(world, pupils)


async def test_everyone_signs_in_although_all_mistype_in_the_same_minute(make_world: MakeWorld):
    """An address that is named as the school's own has room for them."""
    async with make_world(own_networks=SCHOOL) as world:
        people = await some_people(world.services, PEOPLE // 5, enrolled=True)

        pupils = [
            Pupil(person, *((60 + 3 * number, 1 + number % 3) if number < MISTYPING else (2 * number, 0)))
            for number, person in enumerate(people)
        ]

        await assert_everyone_is_in(world, pupils)
