"""Attackers. Each acts from its own addresses, and pauses an address for as long as it is refused there."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count

import httpx

from focys.domain.email_codes import TRIES
from focys.features.login.snapshots import LOGIN_LIFE
from tests.sieges.siege import Pace
from tests.support.attempts import WRONG_BACKUP_CODE, wrong_code
from tests.support.service import Account, Browser, World

A_YEAR = timedelta(days=365)
WRONG_PASSWORD = "not-the-password-of-anyone"


class Place:
    """An address that an attacker acts from, and the login in progress there."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._browser: Browser | None = None
        self._free_at: datetime | None = None
        self._login_ends: datetime | None = None

    @property
    def browser(self) -> Browser:
        """The browser in which the last login began."""
        assert self._browser is not None
        return self._browser

    def is_free(self, now: datetime) -> bool:
        """Tell whether this place's wait is over."""
        return self._free_at is None or self._free_at <= now

    def heed(self, response: httpx.Response, now: datetime) -> bool:
        """Start to wait here if the response asks for it; tell whether it does."""
        seconds = response.json().get("retry_after") if response.status_code == httpx.codes.TOO_MANY_REQUESTS else None
        if seconds is not None:
            self._free_at = now + timedelta(seconds=seconds)
        return seconds is not None

    def has_login(self, now: datetime) -> bool:
        """Tell whether the login that began here is still in progress."""
        return self._login_ends is not None and now < self._login_ends

    async def start(self, world: World, email: str, password: str) -> httpx.Response:
        """Begin a login in a browser without cookies."""
        self._browser = world.a_browser(self.address)
        self._login_ends = world.clock.now() + LOGIN_LIFE
        return await self._browser.post("/auth/login", {"email": email, "password": password})

    def forget(self) -> None:
        """Leave the login alone."""
        self._login_ends = None


class Places:
    """The addresses of an attacker, in turn."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._places = [Place(address) for address in addresses]

    def next(self, now: datetime) -> Place | None:
        """Return the next place that need not wait, if there is one."""
        free = next((place for place in self._places if place.is_free(now)), None)
        if free is not None:
            self._places.remove(free)
            self._places.append(free)
        return free


def addresses(network: str, number: int) -> list[str]:
    """Return addresses of an IPv4 /24; to the limits, each is a separate network."""
    return [f"{network}.{host}" for host in range(1, number + 1)]


class StartsLogins:
    """Knows the password; begins sign-ins and leaves them."""

    def __init__(self, account: Account, places: Sequence[str], *, rate: float = 1, most: int = 1) -> None:
        self._account, self._places, self._pace = account, Places(places), Pace(rate, most)
        self.responses: Counter[str] = Counter()

    async def act(self, world: World, now: datetime) -> None:
        for _ in range(self._pace.due(now)):
            place = self._places.next(now)
            if place is None:
                return
            await self._use(world, place, now)

    async def _use(self, world: World, place: Place, now: datetime) -> None:
        await self._begin(world, place, now)

    async def _begin(self, world: World, place: Place, now: datetime) -> bool:
        response = await place.start(world, self._account.email, self._account.password)
        self._count(response)
        return not place.heed(response, now)

    def _count(self, response: httpx.Response) -> httpx.Response:
        self.responses[outcome(response)] += 1
        return response


class StartsAndCancels(StartsLogins):
    """Knows the password; begins several sign-ins at once and cancels them."""

    async def act(self, world: World, now: datetime) -> None:
        free = [place for _ in range(self._pace.due(now)) if (place := self._places.next(now))]
        await asyncio.gather(*(self._use(world, place, now) for place in free))

    async def _use(self, world: World, place: Place, now: datetime) -> None:
        browser = world.a_browser(place.address)
        if not place.heed(self._count(await browser.sign_in_with_password(self._account)), now):
            await browser.http.delete("/auth/login")


class GuessesCodes(StartsLogins):
    """Knows the password; guesses single codes while they are checked, and two in a row while they are not."""

    _single_again: datetime | None = None

    async def _use(self, world: World, place: Place, now: datetime) -> None:
        if place.has_login(now) or await self._begin(world, place, now):
            await self._guess(world, place, now)

    async def _guess(self, world: World, place: Place, now: datetime) -> None:
        is_single = self._single_again is None or self._single_again <= now
        guess = self._single if is_single else self._strong
        response = self._count(await guess(world, place.browser))
        match outcome(response):
            case "login_expired":
                place.forget()
            case "account_locked" if is_single:
                self._single_again = now + timedelta(seconds=response.json()["retry_after"])
            case "guarded":
                self._single_again = now + A_YEAR
            case "factor_disabled":
                self._places = Places([])
            case _:
                place.heed(response, now)

    async def _single(self, world: World, browser: Browser) -> httpx.Response:
        return await browser.offer(wrong_code(self._account, world))

    async def _strong(self, world: World, browser: Browser) -> httpx.Response:
        wrong = wrong_code(self._account, world)
        return await browser.post("/auth/totp/verify", {"codes": [wrong, wrong]})


class GuessesBackupCodes(GuessesCodes):
    """Knows the password; guesses backup codes while single codes are not checked."""

    async def _strong(self, world: World, browser: Browser) -> httpx.Response:
        return await browser.post("/auth/backup-code/verify", {"code": WRONG_BACKUP_CODE})


class GuessesPasswords:
    """Does not know the password; tries wrong ones of some accounts in turn, or of a made-up one each time."""

    def __init__(self, emails: Sequence[str], places: Sequence[str], *, rate: float = 1, most: int = 8) -> None:
        self._emails, self._places, self._pace = emails, Places(places), Pace(rate, most)
        self._numbers = count()
        self.responses: Counter[str] = Counter()

    async def act(self, world: World, now: datetime) -> None:
        for _ in range(self._pace.due(now)):
            place = self._places.next(now)
            if place is None:
                return
            number = next(self._numbers)
            email = self._emails[number % len(self._emails)] if self._emails else f"nobody-{number}@student.com"
            response = await place.start(world, email, WRONG_PASSWORD)
            self.responses[outcome(response)] += 1
            place.heed(response, now)


class GuessesMailedCodes(StartsLogins):
    """Knows the password of an account without a factor; guesses its emailed codes, and has them sent again."""

    async def _use(self, world: World, place: Place, now: datetime) -> None:
        if is_enrolled(self._account) or not await self._begin(world, place, now):
            return
        await world.deliver()
        wrong = wrong_mailed_code(world, self._account)
        for _ in range(TRIES + 1):
            self._count(await place.browser.post("/auth/email-code/verify", {"code": wrong}))
        self._count(await place.browser.post("/auth/email-code/resend"))


class ReadsTheMailbox(StartsLogins):
    """Knows the password of an account without a factor and reads its mail; looks at a secret, but never sets it up."""

    def __init__(self, account: Account, places: Sequence[str], *, rate: float = 1, most: int = 1) -> None:
        super().__init__(account, places, rate=rate, most=most)
        self.secrets: set[str] = set()

    async def _use(self, world: World, place: Place, now: datetime) -> None:
        if is_enrolled(self._account) or not await self._begin(world, place, now):
            return
        await world.deliver()
        code = world.mail.last_code(self._account.email)
        proven = self._count(await place.browser.post("/auth/email-code/verify", {"code": code}))
        if proven.status_code == httpx.codes.OK:
            await self._spoil(world, place.browser)
        await place.browser.http.delete("/auth/login")

    async def _spoil(self, world: World, browser: Browser) -> None:
        shown = await browser.post("/auth/mfa/enroll")
        seen = Account(self._account.id, self._account.email, self._account.password, shown.json()["secret"])
        self.secrets.add(shown.json()["secret"])
        for _ in range(2):
            self._count(await browser.post("/auth/mfa/confirm", {"code": wrong_code(seen, world)}))


def is_enrolled(account: Account) -> bool:
    """Tell whether the account's owner has set up a factor."""
    return bool(account.backup_codes)


def wrong_mailed_code(world: World, account: Account) -> str:
    """Return a code that differs from the last emailed one."""
    codes = [email.code for to, email in world.mail.emails if to == account.email and email.code]
    last = codes[-1] if codes else "000000"
    return ("1" if last[0] == "0" else "0") + last[1:]


def outcome(response: httpx.Response) -> str:
    """Return the step that a response leads to, or the code of its refusal."""
    body = response.json()
    return str(body.get("code") or body.get("step") or response.status_code)
