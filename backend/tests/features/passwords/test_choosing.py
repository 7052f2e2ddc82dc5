"""Which passwords are accepted when one is chosen, and what is kept of them."""

from hashlib import sha1

import pytest
from argon2 import PasswordHasher, extract_parameters

from focys.features.accounts import users
from focys.features.passwords import WeakPasswordError
from focys.infra.db.database import metadata
from tests.conftest import MakeWorld, world_on
from tests.support.breaches import breach_service
from tests.support.numbers import hashes_computed
from tests.support.rows import execute, rows_of
from tests.support.service import ADDRESS, PASSWORD, World

BREACHED = "violet-tractor-window-93"
ROCKET = "\N{ROCKET}"
SEVENTY_TWO = "tangerine-bicycle-harbour-copper-violet-tractor-window-marble-quiet-lamp"
assert len(SEVENTY_TWO) == 72


async def refusal_of(world: World, password: str, address: str = ADDRESS) -> str | None:
    try:
        await world.services.passwords.choose(password, address)
    except WeakPasswordError as refused:
        return str(refused)
    return None


JUDGED = {
    "required": {
        "xK7!qv2": "short",
        "xK7!qv" + ROCKET: "short",
        "xK7!qv2w": None,
        "xK7!qv2" + ROCKET: None,
        "abcdefgh": "guess",
        "qweasdzxc1": "list",
        "marmaladequietlantern": None,
        "correct horse battery staple": None,
    },
    "optional": {"xK7!qv2wZp3#nb": "short", "xK7!qv2wZp3#nb5": None, "marmaladequietlantern": None},
}


@pytest.mark.parametrize("policy", JUDGED)
async def test_length_and_strength_are_required_and_nothing_else(make_world: MakeWorld, policy: str):
    """PWD-01, PWD-03: code points are counted; small letters alone may do."""
    async with make_world(mfa_policy=policy) as world:
        for password, word in JUDGED[policy].items():
            refused = await refusal_of(world, password)
            assert (refused is None) if word is None else word in (refused or ""), password


def test_no_password_expires_or_has_a_hint():
    """PWD-03: no column for a hint, a question or an expiry of passwords."""
    names = {column.name for table in metadata.sorted_tables for column in table.columns}

    assert not {
        name for name in names if any(word in name for word in ("hint", "question", "answer", "password_expires"))
    }


@pytest.mark.parametrize("length", [64, 256])
async def test_long_passwords_work(world: World, length: int):
    account = await world.an_account(password=(PASSWORD * 12)[:length])

    assert (await world.a_browser().sign_in_with_password(account)).json()["step"] == "email_code"


async def test_oversized_passwords_are_refused_before_any_hashing(world: World):
    hashed = await hashes_computed(world.a_browser())

    for password in ("a" * 257, ROCKET * 257, "\u00e9" * 600, "x" * 15_000, "x" * 1_000_000):
        response = await world.a_browser().post("/auth/login", {"email": ADDRESS, "password": password})
        expected = (422, "invalid_request") if len(password) <= 15_000 else (413, "payload_too_large")
        assert (response.status_code, response.json()["code"]) == expected
        assert "too long" in (await refusal_of(world, password) or "")

    assert await hashes_computed(world.a_browser()) == hashed


SET_AND_TYPED = (
    (SEVENTY_TWO + "one", SEVENTY_TWO + "two", False),
    (PASSWORD, PASSWORD.upper(), False),
    (PASSWORD, PASSWORD + " ", False),
    (f" {PASSWORD} ", PASSWORD, False),
    (f" {PASSWORD} ", f" {PASSWORD} ", True),
    ("cafe\u0301-tractor-window-28", "caf\u00e9-tractor-window-28", True),
    ("\ufb01ne-tractor-window-28", "fine-tractor-window-28", False),
    ("stra\u00dfe-tractor-window-28", "strasse-tractor-window-28", False),
)


async def test_only_the_exact_password_matches(world: World):
    """PWD-04: neither cut, nor trimmed, nor folded; NFC is the one normalization, at set and verify."""
    for number, (chosen, typed, fits) in enumerate(SET_AND_TYPED):
        account = await world.an_account(f"user{number}@student.com", password=chosen)
        response = await world.a_browser().post("/auth/login", {"email": account.email, "password": typed})
        assert response.status_code == (200 if fits else 401), (chosen, typed)


async def test_common_passwords_and_own_names_are_refused(world: World):
    """PWD-05: also with another case, and with a little around them."""
    common = ("password1", "iloveyou", "PASSWORD1", "trustno1", "letmein123")
    own = ("alice@student.com", "alice-1234", "focys-2026!", "studentX9#")

    for password in (*common, *own):
        assert await refusal_of(world, password) is not None, password


async def test_the_services_own_name_is_refused(make_world: MakeWorld):
    async with make_world(app_name="Harbourline") as world:
        assert "name" in (await refusal_of(world, "harbourLine77%") or "")


async def test_a_breached_password_is_refused_and_never_sent(sqlite_url: str):
    """PWD-05: asked by the first five digits of its hash, with padding."""
    async with (
        breach_service(BREACHED) as service,
        world_on(sqlite_url, breached_passwords_url=service.url) as world,
    ):
        assert "leaked" in (await refusal_of(world, BREACHED) or "")
        assert await refusal_of(world, PASSWORD) is None

        digest = sha1(BREACHED.encode(), usedforsecurity=False).hexdigest().upper()
        assert f"GET /range/{digest[:5]} " in service.asked[0]
        assert "add-padding: true" in service.asked[0].lower()
        assert not any(digest[5:] in asked or BREACHED in asked for asked in service.asked)


async def test_padding_from_the_breach_service_is_ignored(sqlite_url: str):
    """PWD-05: rows with a count of nought are there to hide the size of the response."""
    async with breach_service() as service, world_on(sqlite_url, breached_passwords_url=service.url) as world:
        assert await refusal_of(world, BREACHED) is None
        assert len(service.asked) == 1


@pytest.mark.parametrize("trouble", ["nobody listens", "503 Service Unavailable"])
async def test_without_the_breach_service_the_bundled_list_is_used(sqlite_url: str, trouble: str):
    """PWD-05: egress blocked, or the service in trouble."""
    async with breach_service(BREACHED) as service:
        service.status = trouble if trouble[0].isdigit() else "200 OK"
        url = service.url if trouble[0].isdigit() else "http://127.0.0.1:9/range"
        async with world_on(sqlite_url, breached_passwords_url=url) as world:
            assert "list" in (await refusal_of(world, "trustno1") or "")
            assert await refusal_of(world, BREACHED) is None


async def test_signing_in_does_not_query_the_breach_service(sqlite_url: str):
    """PWD-05: it is asked when a password is chosen only."""
    async with breach_service() as service, world_on(sqlite_url, breached_passwords_url=service.url) as world:
        account = await world.an_account()
        asked = len(service.asked)

        await world.a_browser().sign_in_with_password(account)

        assert len(service.asked) == asked


async def test_hashes_are_argon2id_with_current_parameters(make_world: MakeWorld):
    """PWD-06: the defaults of the settings, a salt of sixteen bytes, a new one each time."""
    async with make_world(password_hash_memory_kib=19 * 1024, password_hash_passes=2) as world:
        await world.an_account()
        await world.an_account("bob@student.com")

        hashes = [row.password_hash for row in await rows_of(world, users)]

    for text in hashes:
        found = extract_parameters(text)
        assert (found.type.name, found.memory_cost, found.time_cost, found.parallelism) == ("ID", 19456, 2, 1)
        assert (found.salt_len, found.hash_len) == (16, 32)
    assert len({text.split("$")[4] for text in hashes}) == 2


async def test_an_outdated_hash_is_replaced_at_the_next_sign_in(world: World):
    """PWD-06: and only then; the password stays the same."""
    account = await world.an_account(enrolled=True)
    old = PasswordHasher(time_cost=3, memory_cost=128, parallelism=2).hash(account.password)
    await execute(world, f"UPDATE users SET password_hash = '{old}'")

    async def stored() -> str:
        return str((await rows_of(world, users))[0].password_hash)

    await world.a_browser().post("/auth/login", {"email": account.email, "password": "wrong-horse-battery-77"})
    assert await stored() == old
    await world.at_second_factor(account)
    new = await stored()
    await world.at_second_factor(account)

    assert extract_parameters(new).memory_cost == 64
    assert new != old
    assert await stored() == new


async def test_a_damaged_hash_matches_no_password(world: World):
    """PWD-09, AVL-04: a damaged row is a wrong password, never a fault."""
    account = await world.an_account()

    for stored in ("", "x", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$m=64"):
        await execute(world, f"UPDATE users SET password_hash = '{stored}'")
        response = await world.a_browser().sign_in_with_password(account)
        assert (response.status_code, response.json()["code"]) == (401, "invalid_credentials"), stored
