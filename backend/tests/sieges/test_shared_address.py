"""A siege from the owner's own address: an attacker at the next desk, or behind the same router."""

from tests.sieges.aftermath import LOGINS, assert_only_own_mistakes_count, rows_after
from tests.sieges.attackers import (
    GuessesBackupCodes,
    GuessesCodes,
    GuessesPasswords,
    StartsAndCancels,
    StartsLogins,
)
from tests.sieges.owner import FIVE_MINUTES, SCANNING, TYPING, Owner
from tests.sieges.siege import MOMENTS, Siege
from tests.support.service import World

SHARED, ELSEWHERE = "198.51.100.7", "198.51.100.8"


async def test_a_known_browser_signs_in_beside_the_attacker(world: World):
    """The network's limits do not count against the account's known browser.

    A new browser at this address may have to wait: for an hour after ten wrong proofs while single codes are not
    examined, for a quarter of an hour after wrong passwords. So its owner uses another network, or a known browser.
    """
    account, known = await world.an_account(), world.a_browser(SHARED)
    await world.enroll(account, known)
    starts = StartsLogins(account, [SHARED], most=5)
    siege = Siege(
        world,
        [
            starts,
            StartsAndCancels(account, [SHARED], most=2),
            GuessesCodes(account, [SHARED]),
            GuessesBackupCodes(account, [SHARED]),
            GuessesPasswords([account.email], [SHARED]),
            GuessesPasswords([], [SHARED]),
        ],
    )

    async def signs_in(_number: int) -> None:
        await Owner(siege, account, known).get_in()
        await Owner(siege, account, world.a_browser(ELSEWHERE)).get_in()

    await siege.last_an_hour(signs_in)

    assert starts.responses["throttled"] > 0
    assert (await rows_after(world))["pending_logins"] <= LOGINS + 4 * len(MOMENTS)
    await assert_only_own_mistakes_count(world, account, known)


async def test_a_new_browser_beside_the_attacker_waits_five_minutes_at_most(world: World):
    """Sixty logins of an account begin there in five minutes; with one begun a second, the next sixty have room."""
    account, newcomer = await world.an_account(enrolled=True), await world.an_account("newcomer@student.com")
    attackers = [StartsLogins(of, [SHARED], most=60) for of in (account, newcomer)]
    siege = Siege(world, attackers)

    await siege.until(70)
    await Owner(siege, account, world.a_browser(SHARED), within=FIVE_MINUTES + TYPING).get_in()
    within = FIVE_MINUTES + 2 * TYPING + SCANNING
    await siege.until(370)
    await Owner(siege, newcomer, world.a_browser(SHARED), within=within).get_in()

    assert all(attacker.responses["throttled"] > 0 for attacker in attackers)
