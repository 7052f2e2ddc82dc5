"""A caller's whole life with values that are easy to find again."""

import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.service import Account, Browser, World

PASSWORD = "canary-Password-orchard-5150"
WRONG_PASSWORD = "canary-Wrong-Password-2112"
WRONG_CODE = "739182"


@dataclass
class Life:
    """Everything that was shown and said, and what nobody may find in a log."""

    responses: list[httpx.Response] = field(default_factory=list)
    after_activation: list[httpx.Response] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)


async def live(world: World) -> Life:
    """First sign-in, second sign-in, backup code, refresh, sign-out, with mistakes at every step."""
    life = Life(secrets={"password": PASSWORD, "wrong password": WRONG_PASSWORD, "wrong code": WRONG_CODE})
    account = await world.an_account("canary@student.com", password=PASSWORD)
    browser = world.a_browser()

    async def call(path: str, body: Any = None, **options: Any) -> httpx.Response:
        response = await browser.post(path, body, **options)
        life.responses.append(response)
        return response

    await _first_sign_in(world, account, browser, life, call)
    before = len(life.responses)
    await _second_sign_in(world, account, browser, life, call)
    life.after_activation = life.responses[before:]
    for i, response in enumerate(life.responses):
        for name, value in response.cookies.items():
            life.secrets[f"cookie {name} {i}"] = value
        if response.headers.get("Content-Type") == "application/json" and "access_token" in response.json():
            life.secrets[f"access token {i}"] = response.json()["access_token"]
    life.secrets = {name: value.strip('"') for name, value in life.secrets.items() if value.strip('"')}
    return life


async def _first_sign_in(world: World, account: Account, browser: Browser, life: Life, call: Any) -> None:
    await call("/auth/login", {"email": account.email, "password": WRONG_PASSWORD})
    await call("/auth/login", {"email": account.email, "password": PASSWORD, "extra": PASSWORD})
    await call("/auth/login", {"email": account.email, "password": PASSWORD})
    await world.deliver()
    life.secrets["mailed code"] = world.mail.last_code(account.email)
    await call("/auth/email-code/verify", {"code": WRONG_CODE})
    await call("/auth/email-code/verify", {"code": life.secrets["mailed code"]})
    shown = (await call("/auth/mfa/enroll")).json()
    life.secrets |= {
        "secret": shown["secret"],
        "otpauth": shown["provisioning_uri"],
        "QR code": shown["qr_code"][40:90],
    }
    account.secret = shown["secret"]
    await call("/auth/mfa/confirm", {"code": WRONG_CODE})
    life.secrets["first code"] = account.code(world.clock)
    done = await call("/auth/mfa/confirm", {"code": life.secrets["first code"]})
    account.backup_codes = tuple(done.json()["backup_codes"])
    life.secrets |= {f"backup code {i}": code for i, code in enumerate(account.backup_codes)}
    world.clock.advance(seconds=30)


async def _second_sign_in(world: World, account: Account, browser: Browser, life: Life, call: Any) -> None:
    credentials = {"email": account.email, "password": PASSWORD}
    await call("/auth/login", credentials)
    await call("/auth/totp/verify", {"code": WRONG_CODE})
    await call("/auth/totp/verify", {"code": {"nested": PASSWORD}})
    await call("/auth/backup-code/verify", {"code": "CANA-RYCA-NARY-0000"})
    life.secrets["wrong backup code"] = "CANA-RYCA-NARY-0000"
    life.secrets["second code"] = account.code(world.clock)
    done = await call("/auth/totp/verify", {"code": life.secrets["second code"]})
    bearer = {"Authorization": f"Bearer {done.json()['access_token']}"}
    life.responses.append(await browser.get("/auth/me", headers=bearer))
    life.responses.append(await browser.get("/auth/status"))
    # By then it replaces its token.
    world.clock.advance(minutes=1)
    await call("/auth/refresh")
    await call("/auth/logout", headers=bearer)
    await call("/auth/login", credentials)
    await call("/auth/backup-code/verify", {"code": account.backup_codes[0]})
    await call("/auth/login", credentials)
    life.responses.append(await browser.get("/auth/login"))
    life.responses.append(await browser.http.delete("/auth/login"))
    await call("/auth/mfa/enroll")
    await world.deliver()


def found_in(text: str, secrets: dict[str, str]) -> list[str]:
    """The names of the secrets that stand in a text; digits count only where they stand alone."""
    return [
        name
        for name, value in secrets.items()
        if (re.search(rf"(?<![0-9A-Za-z.-]){value}(?![0-9A-Za-z-])", text) if value.isdigit() else value in text)
    ]
