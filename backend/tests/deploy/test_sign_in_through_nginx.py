"""A whole sign-in as a browser does it: TLS, the prefix, the cookies, the mailed code, the authenticator."""

from functools import partial
from http.cookies import SimpleCookie

import httpx

from tests.deploy.front import Front, posting
from tests.deploy.shipped import DOMAIN
from tests.support.walk import enroll
from tests.support.workers import Workers, code_of

FORGED = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Real-IP": "203.0.113.7",
    "Forwarded": "for=203.0.113.7",
    "X_Forwarded_For": "203.0.113.7",
}
SOURCE = "127.0.0.23"


async def test_the_first_sign_in_and_the_second(front: Front, workers: Workers):
    """WEB-01, CFG-03: with forged addresses in every request, and none of them believed."""
    account = await workers.an_account()
    with front.client(SOURCE, headers={"Origin": f"https://{DOMAIN}", **FORGED}) as browser:
        *_, shown, confirmed = await enroll(posting(browser), account, partial(workers.mailed_code, account))
        me = browser.get("/api/auth/me", headers=_bearer(confirmed))
        refreshed = browser.post("/api/auth/refresh", json={})
        signed_out = browser.post("/api/auth/logout", json={}, headers=_bearer(refreshed))
        gone = browser.get("/api/auth/me", headers=_bearer(refreshed))
        again = browser.post("/api/auth/login", json={"email": account.email, "password": account.password})
        second = browser.post("/api/auth/totp/verify", json={"code": code_of(account, steps=1)})

    assert len(confirmed.json()["backup_codes"]) == 10
    assert me.json()["email"] == account.email
    assert [response.status_code for response in (refreshed, signed_out, gone)] == [200, 204, 401]
    assert again.json()["step"] == "totp"
    assert second.json()["step"] == "done", second.text
    # The secret is in it, so it is neither kept nor compressed.
    assert shown.headers["Cache-Control"] == "no-store"
    assert "Content-Encoding" not in shown.headers
    _are_strict(confirmed, second)
    addresses = await workers.scalar(
        "SELECT string_agg(DISTINCT address, ',') FROM sessions WHERE user_id = :user", user=account.id
    )
    assert addresses == SOURCE


def _bearer(response: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


def _are_strict(*responses: httpx.Response) -> None:
    lines = [line for response in responses for line in response.headers.get_list("Set-Cookie")]
    cookies = [cookie for line in lines for cookie in SimpleCookie(line).values()]
    assert {cookie.key for cookie in cookies} == {f"__Host-focys_{kind}" for kind in ("login", "browser", "refresh")}
    for cookie in cookies:
        assert cookie["secure"]
        assert cookie["httponly"]
        assert (cookie["samesite"].lower(), cookie["path"], cookie["domain"]) == ("strict", "/", "")
