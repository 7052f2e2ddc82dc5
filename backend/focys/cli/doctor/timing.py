"""Three clocks: this machine's, the database's, which the service follows, and those of people's phones."""

from collections.abc import Mapping
from datetime import datetime

from focys.cli.doctor.finding import Finding, fail, ok, warn
from focys.domain.totp import PERIOD
from focys.infra.db.database import Database
from focys.infra.ops.clock import SystemClock
from focys.infra.web.health import MOST_APART_SECONDS

NOTICEABLE_SECONDS = 1
FAR_SECONDS = MOST_APART_SECONDS
FEWEST_PHONES = 5

MEND_CLOCK = "timedatectl set-ntp true, on this machine and the database's"


async def check_clock(database: Database, clock: SystemClock) -> Finding:
    """Compare this machine with the database, allowing for the time the question took."""
    before = clock.now()
    theirs = await database.now()
    return judge_clock(before + (clock.now() - before) / 2, theirs)


def judge_clock(ours: datetime, theirs: datetime) -> Finding:
    """Say how far apart the two are; from half a step of TOTP on the service is not ready."""
    apart = (ours - theirs).total_seconds()
    if abs(apart) <= NOTICEABLE_SECONDS:
        return ok("clock", f"this machine and the database agree within {NOTICEABLE_SECONDS} s")
    detail = f"this machine is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} the database"
    return (fail if abs(apart) >= FAR_SECONDS else warn)("clock", detail, MEND_CLOCK)


def judge_phones(offsets: Mapping[int, int]) -> Finding:
    """Say what the phones think: where most are off in the same direction, they are right and we are not."""
    name, phones = "phones", sum(offsets.values())
    if phones < FEWEST_PHONES:
        return ok(name, f"{phones} have signed in; from {FEWEST_PHONES} on they vouch for the clock")
    median = _median(offsets, phones)
    if median == 0:
        return ok(name, f"most of {phones} phones agree with the service's clock")
    whose = "behind" if median > 0 else "ahead"
    return fail(name, f"most of {phones} phones disagree: the service's clock is {PERIOD} s {whose}", MEND_CLOCK)


def _median(offsets: Mapping[int, int], phones: int) -> int:
    seen = 0
    for offset, number in sorted(offsets.items()):
        seen += number
        if seen * 2 > phones:
            return offset
        if seen * 2 == phones:
            # Half and half: nobody has the majority.
            return 0
    return 0
