"""One purpose per key, secrets sealed for one owner, and what happens when the key is another one."""

import base64
from uuid import UUID

import pytest

from focys.features.accounts import users
from focys.features.audit import audit_events
from focys.infra.crypto.keys import KeyRing, Purpose
from focys.infra.crypto.secret_box import SecretBox, UnreadableSecretError
from focys.infra.crypto.tokens import digest, new_seed, new_token
from tests.conftest import SECRET_KEY, MakeWorld
from tests.support.rows import execute, rows_of
from tests.support.service import World

NEW_KEY = "another-key-that-is-long-enough-for-everyone-0987654321"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OWNER, OTHER = UUID(int=1), UUID(int=2)


def test_every_purpose_has_a_key_of_its_own():
    keys = {KeyRing((SECRET_KEY,)).current(purpose) for purpose in Purpose}

    assert len(keys) == len(Purpose) == len({purpose.value for purpose in Purpose})
    assert {len(key) for key in keys} == {32}
    assert SECRET_KEY.encode() not in keys


def test_different_purposes_have_different_keys():
    """CRY-09: the label is all that tells the keys apart."""
    ring = KeyRing((SECRET_KEY,))

    assert ring.current(Purpose.EMAIL_CODES) == KeyRing((SECRET_KEY,)).current(Purpose.EMAIL_CODES)
    assert ring.mac(Purpose.EMAIL_CODES, "1") != ring.mac(Purpose.THROTTLE_KEYS, "1")
    assert ring.mac(Purpose.EMAIL_CODES, "1") != KeyRing((NEW_KEY,)).mac(Purpose.EMAIL_CODES, "1")


def test_a_sealed_secret_opens_for_its_owner_and_differs_each_time():
    """CRY-01: fresh nonce."""
    box = SecretBox(KeyRing((SECRET_KEY,)))

    sealed = {box.seal(SECRET, OWNER) for _ in range(50)}

    assert len(sealed) == 50
    assert {box.open(text, OWNER) for text in sealed} == {SECRET}
    assert not any(SECRET in text or SECRET_KEY in text for text in sealed)
    nonces = {base64.b64decode(text.split(".")[2])[:12] for text in sealed}
    assert len(nonces) == 50


def test_a_sealed_secret_does_not_open_for_another_user():
    """CRY-01: associated data."""
    box = SecretBox(KeyRing((SECRET_KEY,)))

    with pytest.raises(UnreadableSecretError):
        box.open(box.seal(SECRET, OWNER), OTHER)


def test_the_key_id_is_authenticated():
    both = SecretBox(KeyRing((SECRET_KEY, NEW_KEY)))
    sealed = both.seal(SECRET, OWNER)
    version, kid, body = sealed.split(".")
    other_kid = SecretBox(KeyRing((NEW_KEY,))).seal(SECRET, OWNER).split(".")[1]

    assert version == "v1"
    assert kid != other_kid
    with pytest.raises(UnreadableSecretError):
        both.open(f"v1.{other_kid}.{body}", OWNER)


def test_every_bit_of_a_sealed_secret_is_authenticated():
    """CRY-01: authenticated encryption."""
    box = SecretBox(KeyRing((SECRET_KEY,)))
    head, body = box.seal(SECRET, OWNER).rsplit(".", 1)
    raw = base64.b64decode(body)

    for i in range(len(raw)):
        broken = raw[:i] + bytes([raw[i] ^ 1]) + raw[i + 1 :]
        with pytest.raises(UnreadableSecretError):
            box.open(f"{head}.{base64.b64encode(broken).decode()}", OWNER)


@pytest.mark.parametrize(
    "text",
    ["", SECRET, "v1", "v1..", "v2.0.AAAA", "v1.00000000.AAAA", "v1.x.y.z", "v1.é.é", "v1.{kid}.", "v1.{kid}.AAAA"],
)
def test_a_malformed_sealed_secret_does_not_open(text: str):
    """CRY-04: it never means that there is no secret."""
    box = SecretBox(KeyRing((SECRET_KEY,)))
    kid = box.seal(SECRET, OWNER).split(".")[1]

    with pytest.raises(UnreadableSecretError):
        box.open(text.format(kid=kid), OWNER)


def test_old_keys_open_and_the_newest_key_seals():
    old, both = SecretBox(KeyRing((SECRET_KEY,))), SecretBox(KeyRing((NEW_KEY, SECRET_KEY)))
    sealed = old.seal(SECRET, OWNER)

    assert both.open(sealed, OWNER) == SECRET
    assert (both.is_current(sealed), both.is_current(both.seal(SECRET, OWNER))) == (False, True)
    with pytest.raises(UnreadableSecretError):
        SecretBox(KeyRing((NEW_KEY,))).open(sealed, OWNER)


async def test_the_database_alone_reveals_no_secret(world: World):
    account = await world.an_account(enrolled=True)

    [row] = await rows_of(world, users)

    assert row.totp_secret.startswith("v1.")
    assert account.secret is not None
    assert account.secret not in str(row)
    assert SecretBox(KeyRing((SECRET_KEY,))).open(row.totp_secret, row.id) == account.secret


async def test_swapped_secrets_let_nobody_in(world: World):
    alice = await world.an_account(enrolled=True)
    mallory = await world.an_account("mallory@student.com", enrolled=True)
    of_mallory = next(row.totp_secret for row in await rows_of(world, users) if row.id == mallory.id)
    await execute(world, f"UPDATE users SET totp_secret = '{of_mallory}' WHERE email = '{alice.email}'")

    browser = await world.at_second_factor(alice)
    response = await browser.offer(mallory.code(world.clock))

    assert (response.status_code, response.json()["code"]) == (403, "factor_unreadable")
    assert "focys_refresh" not in browser.http.cookies
    told = [row for row in await rows_of(world, audit_events) if row.reason == "factor_unreadable"]
    assert [(row.event, row.outcome, row.user_id) for row in told] == [("TOTP", "refused", alice.id)]


async def test_key_rotation_keeps_every_authenticator(make_world: MakeWorld):
    async with make_world() as before:
        account = await before.an_account(enrolled=True)
        async with make_world(secret_key=NEW_KEY, secret_key_fallbacks=[SECRET_KEY], clock=before.clock) as after:
            browser = await after.at_second_factor(account)

            assert (await browser.offer(account.code(before.clock))).status_code == 200


def test_login_tokens_have_256_random_bits():
    tokens = {new_token() for _ in range(1000)}

    assert len(tokens) == 1000
    assert {len(base64.urlsafe_b64decode(login_token + "=")) for login_token in tokens} == {32}
    assert len({new_seed() for _ in range(100)}) == 100
    assert len(new_seed()) == 32
    assert len(digest(tokens.pop())) == 32
