"""The first sign-in and the second, over TLS, as a browser makes them: `first_sign_in.py FOLDER ADDRESS ROLE PASSWORD`.

It runs in the server's network. FOLDER holds the emails that were sent, and the root of the certificate.
"""

import re
import ssl
import sys
import time
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import httpcore
import httpx
import pyotp

from tests.deploy.front import _Loopback
from tests.deploy.shipped import DOMAIN

EMAIL_SECONDS = 30


def main(folder: Path, address: str, role: str, password: str) -> None:
    """Sign in twice, and say what was seen."""
    with browser_of(folder) as browser:
        page = browser.get("/login")
        assert page.status_code == 200, page.text
        script = re.search(r'src="(/assets/[^"]+\.js)"', page.text)
        assert script is not None
        assert browser.get(script[1]).headers["Cache-Control"].endswith("immutable")
        said("the pages are there", page)
        earlier = len(emails(folder))
        first = step(browser, "login", {"email": address, "password": password}, "email_code")
        said("a code was mailed", first)
        step(browser, "email-code/verify", {"code": mailed_code(folder, earlier)}, "enroll")
        shown = browser.post("/api/auth/mfa/enroll", json={})
        authenticator = pyotp.parse_uri(shown.json()["provisioning_uri"])
        assert isinstance(authenticator, pyotp.TOTP)
        done = step(browser, "mfa/confirm", {"code": authenticator.now()}, "done")
        assert len(done.json()["backup_codes"]) == 10
        said("the authenticator is set up", done)
        browser.post("/api/auth/logout", json={}, headers=bearer(done)).raise_for_status()
        step(browser, "login", {"email": address, "password": password}, "totp")
        again = step(browser, "totp/verify", {"code": authenticator.generate_otp(int(time.time()) // 30 + 1)}, "done")
        me = browser.get("/api/auth/me", headers=bearer(again)).json()
        assert (me["email"], me["role"]) == (address, role)
        said("signed in with password and authenticator", again)


def browser_of(folder: Path) -> httpx.Client:
    """A client that trusts what the world trusts, and finds the server by its name."""
    trusted = ssl.create_default_context(cafile=str(folder / "roots.pem"))
    transport = httpx.HTTPTransport(verify=trusted)
    transport._pool.close()
    transport._pool = httpcore.ConnectionPool(ssl_context=trusted, network_backend=_Loopback({443: 443}))
    headers = {"Origin": f"https://{DOMAIN}"}
    return httpx.Client(base_url=f"https://{DOMAIN}", transport=transport, timeout=20, headers=headers)


def step(browser: httpx.Client, call: str, body: dict[str, str], following: str) -> httpx.Response:
    answer = browser.post(f"/api/auth/{call}", json=body)
    assert answer.json().get("step") == following, answer.text
    return answer


def bearer(answer: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def emails(folder: Path) -> list[Path]:
    return sorted((folder / "emails").iterdir())


def mailed_code(folder: Path, earlier: int) -> str:
    deadline = time.monotonic() + EMAIL_SECONDS
    while len(emails(folder)) <= earlier:
        assert time.monotonic() < deadline, "no email arrived"
        time.sleep(0.05)
    email = message_from_bytes(emails(folder)[-1].read_bytes(), policy=default)
    body = email.get_body(("plain",))
    assert body is not None
    code = re.search(r"\b(\d{6})\b", body.get_content())
    assert code is not None, body.get_content()
    return code[1]


def said(what: str, answer: httpx.Response) -> None:
    sys.stdout.write(f"{what}: {answer.status_code}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
