"""The first sign-in and the second, over TLS, as a browser makes them: `first_sign_in.py FOLDER ADDRESS ROLE PASSWORD`.

It runs in the server's network. FOLDER holds the emails that were sent, and the root of the certificate.
"""

import asyncio
import re
import ssl
import sys
import time
from email import message_from_bytes
from email.policy import default
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx

from tests.deploy.front import loopback_transport, posting
from tests.deploy.shipped import DOMAIN
from tests.support.walk import Account, enroll

EMAIL_SECONDS = 60


def main(folder: Path, address: str, role: str, password: str) -> None:
    """Sign in twice, and say what was seen."""
    with browser_of(folder) as browser:
        page = browser.get("/login")
        assert page.status_code == 200, page.text
        script = re.search(r'src="(/assets/[^"]+\.js)"', page.text)
        assert script is not None
        assert browser.get(script[1]).headers["Cache-Control"].endswith("immutable")
        said("the pages are there", page)
        account, earlier = Account(uuid4(), address, password), len(emails(folder))
        *_, done = asyncio.run(enroll(posting(browser), account, partial(emailed_code, folder, earlier)))
        assert len(account.backup_codes) == 10
        said("the authenticator is set up", done)
        browser.post("/api/auth/logout", json={}, headers=bearer(done)).raise_for_status()
        credentials = {"email": address, "password": password}
        browser.post("/api/auth/login", json=credentials).raise_for_status()
        again = browser.post("/api/auth/totp/verify", json={"code": account.code_at(time.time(), steps=1)})
        assert again.json()["step"] == "done", again.text
        me = browser.get("/api/auth/me", headers=bearer(again)).json()
        assert (me["email"], me["role"]) == (address, role)
        said("signed in with password and authenticator", again)


def browser_of(folder: Path) -> httpx.Client:
    """A client that trusts what the world trusts, and finds the server by its name."""
    trusted = ssl.create_default_context(cafile=str(folder / "roots.pem"))
    transport = loopback_transport(trusted, {443: 443})
    headers = {"Origin": f"https://{DOMAIN}"}
    return httpx.Client(base_url=f"https://{DOMAIN}", transport=transport, timeout=20, headers=headers)


def bearer(response: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


def emails(folder: Path) -> list[Path]:
    return sorted((folder / "emails").iterdir())


async def emailed_code(folder: Path, earlier: int) -> str:
    deadline = time.monotonic() + EMAIL_SECONDS
    while len(emails(folder)) <= earlier:
        assert time.monotonic() < deadline, "no email arrived"
        await asyncio.sleep(0.05)
    email = message_from_bytes(emails(folder)[-1].read_bytes(), policy=default)
    body = email.get_body(("plain",))
    assert body is not None
    code = re.search(r"\b(\d{6})\b", body.get_content())
    assert code is not None, body.get_content()
    return code[1]


def said(what: str, response: httpx.Response) -> None:
    sys.stdout.write(f"{what}: {response.status_code}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
