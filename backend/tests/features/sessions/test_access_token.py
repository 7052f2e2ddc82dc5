"""Only a token of ours, whole and in time, opens a protected call."""

import base64
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from focys.infra.crypto.keys import KeyRing, Purpose
from focys.infra.crypto.tokens import AccessClaims, InvalidTokenError, Tokens, new_token
from tests.conftest import SECRET_KEY
from tests.support.clock import NOON
from tests.support.forging import parts_of, signed, signing_key, unsigned
from tests.support.service import World

ISSUER = "http://localhost:8000"
NOW = int(NOON.timestamp())
HEADER = {"alg": "HS256", "typ": "at+jwt"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": ISSUER,
    "sub": "4f7a1c1e-0a52-4b5c-9a53-5d1f4f0f7c11",
    "sid": "9d1d2f0e-61a4-4a3b-8f57-2f9c2f5b7d22",
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 1800,
    "jti": "b2c3d4e5-1111-4222-8333-444455556666",
    "amr": ["pwd", "otp", "mfa"],
    "auth_time": NOW,
}
JWK = {"kty": "oct", "k": base64.urlsafe_b64encode(b"k" * 32).decode()}


@pytest.fixture
def tokens() -> Tokens:
    """The service's own verifier."""
    return Tokens(KeyRing((SECRET_KEY,)), issuer=ISSUER, access_life=timedelta(minutes=30))


def test_an_unaltered_forged_token_is_accepted(tokens: Tokens):
    assert str(tokens.read_access(signed(HEADER, CLAIMS), NOON).session_id) == CLAIMS["sid"]


def test_a_token_has_exactly_the_expected_claims(tokens: Tokens):
    claims = AccessClaims(uuid4(), uuid4(), ("pwd", "otp", "mfa"), NOON)

    header, payload = parts_of(tokens.access(claims, NOON, 1800))

    assert header == HEADER
    assert set(payload) == set(CLAIMS)
    assert payload["exp"] - payload["iat"] == 1800
    assert payload["sub"] == str(claims.user_id)
    assert tokens.read_access(tokens.access(claims, NOON, 1800), NOON) == claims


@pytest.mark.parametrize("name", CLAIMS)
def test_a_token_without_one_of_its_claims_is_refused(tokens: Tokens, name: str):
    claims = {key: value for key, value in CLAIMS.items() if key != name}

    with pytest.raises(InvalidTokenError):
        tokens.read_access(signed(HEADER, claims), NOON)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", "http://localhost:9000"),
        ("iss", None),
        ("iss", [ISSUER]),
        ("aud", "another-service"),
        ("aud", None),
        ("aud", []),
        ("aud", [ISSUER]),
        ("aud", [ISSUER, "another-service"]),
        ("sub", "alice@student.com"),
        ("sub", 7),
        ("sub", None),
        ("sid", ""),
        ("sid", 7),
        ("iat", NOW + 61),
        ("iat", str(NOW)),
        ("iat", True),
        ("nbf", NOW + 61),
        ("nbf", NOW + 0.5),
        ("exp", NOW),
        ("exp", NOW - 1),
        ("exp", str(NOW + 60)),
        ("exp", 1e400),
        ("jti", 7),
        ("amr", "pwd otp mfa"),
        ("amr", [1]),
        ("amr", None),
        ("auth_time", str(NOW)),
        ("auth_time", 10**30),
        ("auth_time", None),
    ],
)
def test_a_correctly_signed_token_with_a_wrong_claim_is_refused(tokens: Tokens, name: str, value: Any):
    with pytest.raises(InvalidTokenError):
        tokens.read_access(signed(HEADER, {**CLAIMS, name: value}), NOON)


@pytest.mark.parametrize("ahead", [1, 60])
def test_a_minute_of_clock_skew_is_tolerated(tokens: Tokens, ahead: int):
    """SESS-01: a skew of 60 seconds at most."""
    claims = {**CLAIMS, "iat": NOW + ahead, "nbf": NOW + ahead}

    assert tokens.read_access(signed(HEADER, claims), NOON).amr == ("pwd", "otp", "mfa")


@pytest.mark.parametrize(
    ("header", "digest"),
    [
        ({**HEADER, "alg": "HS384"}, "sha384"),
        ({**HEADER, "alg": "HS512"}, "sha512"),
        ({**HEADER, "alg": "HS384"}, "sha256"),
        ({**HEADER, "alg": "RS256"}, "sha256"),
        ({**HEADER, "alg": "ES256"}, "sha256"),
        ({**HEADER, "alg": "none"}, "sha256"),
        ({**HEADER, "alg": "None"}, "sha256"),
        ({**HEADER, "alg": ""}, "sha256"),
        ({**HEADER, "alg": None}, "sha256"),
        ({**HEADER, "alg": "hs256"}, "sha256"),
        ({"typ": "at+jwt"}, "sha256"),
        ({"alg": "HS256"}, "sha256"),
        ({**HEADER, "typ": "JWT"}, "sha256"),
        ({**HEADER, "typ": "AT+JWT"}, "sha256"),
        ({**HEADER, "typ": "application/at+jwt"}, "sha256"),
        ({**HEADER, "typ": ["at+jwt"]}, "sha256"),
        ({**HEADER, "kid": "../../dev/null"}, "sha256"),
        ({**HEADER, "kid": "1"}, "sha256"),
        ({**HEADER, "jku": "http://evil.example/keys"}, "sha256"),
        ({**HEADER, "jwk": JWK}, "sha256"),
        ({**HEADER, "x5u": "http://evil.example/cert"}, "sha256"),
        ({**HEADER, "x5c": ["MIIB"]}, "sha256"),
        ({**HEADER, "x5t": "abc"}, "sha256"),
        ({**HEADER, "crit": ["exp"]}, "sha256"),
        ({**HEADER, "crit": ["b64"], "b64": False}, "sha256"),
        ({**HEADER, "crit": []}, "sha256"),
        ({**HEADER, "zip": "DEF"}, "sha256"),
        ({**HEADER, "cty": "JWT"}, "sha256"),
    ],
)
def test_a_correctly_signed_token_with_another_header_is_refused(tokens: Tokens, header: dict[str, Any], digest: str):
    with pytest.raises(InvalidTokenError):
        tokens.read_access(signed(header, CLAIMS, digest=digest), NOON)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "HS256"])
def test_a_token_without_a_signature_is_refused(tokens: Tokens, algorithm: str):
    with pytest.raises(InvalidTokenError):
        tokens.read_access(unsigned({**HEADER, "alg": algorithm}, CLAIMS), NOON)


@pytest.mark.parametrize(
    "key",
    [
        *(signing_key(purpose) for purpose in Purpose if purpose is not Purpose.ACCESS_TOKENS),
        SECRET_KEY.encode(),
        b"k" * 32,
    ],
)
def test_a_token_signed_with_any_other_key_is_refused(tokens: Tokens, key: bytes):
    """SESS-03, CRY-09: neither the master key nor a subkey of another purpose signs tokens."""
    with pytest.raises(InvalidTokenError):
        tokens.read_access(signed(HEADER, CLAIMS, key=key), NOON)


@pytest.mark.parametrize("position", ["header", "payload", "signature"])
def test_a_token_with_one_changed_character_is_refused(tokens: Tokens, position: str):
    parts = signed(HEADER, CLAIMS).split(".")
    i = ["header", "payload", "signature"].index(position)
    parts[i] = ("A" if parts[i][4] != "A" else "B").join((parts[i][:4], parts[i][5:]))

    with pytest.raises(InvalidTokenError):
        tokens.read_access(".".join(parts), NOON)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "é.é.é",
        "\x00",
        "e30.e30.e30",
        "bnVsbA.bnVsbA.bnVsbA",
        "W10.W10.W10",
        "a" * 3000,
        signed(HEADER, CLAIMS) + ".x",
    ],
)
def test_a_malformed_token_is_refused(tokens: Tokens, token: str):
    with pytest.raises(InvalidTokenError):
        tokens.read_access(token, NOON)


@pytest.mark.parametrize("scheme", ["Basic", "Token", "", "Bearer:"])
async def test_a_token_is_accepted_only_as_bearer(world: World, scheme: str):
    account = await world.an_account(enrolled=True)
    browser, token = await world.signed_in(account)

    response = await browser.get("/auth/me", headers={"Authorization": f"{scheme} {token}".strip()})

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert (await browser.get("/auth/me", headers={"Authorization": f"bearer {token}"})).status_code == 200


async def test_no_credential_works_in_place_of_another(world: World):
    """SESS-03, FLOW-02: login token, browser cookie, refresh and access token are strangers to each other."""
    account = await world.an_account(enrolled=True)
    browser, access = await world.signed_in(account)
    in_progress = await world.at_second_factor(account, world.a_browser())
    jar = {name: browser.http.cookies[f"focys_{name}"] for name in ("refresh", "browser")}
    jar["login"] = in_progress.http.cookies["focys_login"]

    for credential in (*jar.values(), new_token(), f"{access}x", access[:-1]):
        assert (await world.a_browser().me(credential)).status_code == 401, credential
    for name in ("login", "refresh"):
        for credential in (value for kind, value in {**jar, "access": access}.items() if kind != name):
            thief = world.a_browser()
            headers = {"Cookie": f"focys_{name}={credential}"}
            path = "/auth/refresh" if name == "refresh" else "/auth/totp/verify"
            response = await thief.post(path, {} if name == "refresh" else {"code": "123456"}, headers=headers)
            assert response.json()["code"] == ("session_ended" if name == "refresh" else "login_expired")

    assert (await browser.me(access)).status_code == 200


async def test_a_token_of_another_service_with_the_same_key_is_refused(make_world):
    """SESS-01: issuer and audience are the public address."""
    async with make_world() as here, make_world(public_url="http://localhost:9000") as there:
        account = await here.an_account(enrolled=True)
        _, token = await here.signed_in(account)

        assert (await there.a_browser().me(token)).status_code == 401


async def test_an_access_token_expires_after_thirty_minutes(world: World):
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    done = (await browser.offer(account.code(world.clock))).json()

    world.clock.advance(minutes=30, seconds=-1)
    in_time = await browser.me(done["access_token"])
    world.clock.advance(seconds=1)
    late = await browser.me(done["access_token"])

    assert done["expires_in"] == 1800
    assert (in_time.status_code, late.status_code) == (200, 401)


async def test_a_token_for_another_users_session_is_refused(world: World):
    """SESS-04: user and session must belong together, whatever the signature says."""
    alice = await world.an_account(enrolled=True)
    bob = await world.an_account("bob@student.com", enrolled=True)
    browser, of_alice = await world.signed_in(alice)
    _, of_bob = await world.signed_in(bob)
    header, claims = parts_of(of_alice)

    mixed = signed(header, {**claims, "sub": parts_of(of_bob)[1]["sub"]})

    assert (await browser.me(signed(header, claims))).status_code == 200
    assert (await browser.me(mixed)).status_code == 401
