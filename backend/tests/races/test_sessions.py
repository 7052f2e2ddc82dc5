"""One refresh token in many tabs at the same moment."""

from asyncio import gather

from tests.support.workers import Workers, code_of, tally


async def test_parallel_refreshes_get_the_same_successor(workers: Workers):
    account = await workers.an_account(enrolled=True)
    (browser,) = await workers.at_second_factor(account)
    await browser.offer(code_of(account))
    token = browser.http.cookies["focys_refresh"]
    await workers.a_minute_later(account)
    tabs = [workers.a_browser(browser.source) for _ in range(20)]
    for tab in tabs:
        tab.http.cookies.set("focys_refresh", token)

    responses = await gather(*(tab.post("/auth/refresh") for tab in tabs))

    assert tally(responses) == {"ok": 20}
    successors = {response.cookies["focys_refresh"] for response in responses}
    assert len(successors) == 1
    assert successors != {token}
    generation = "SELECT refresh_generation FROM sessions WHERE user_id = :id AND revoked_at IS NULL"
    assert await workers.scalar(generation, id=account.id) == 1
    browser.http.cookies.set("focys_refresh", successors.pop(), domain="127.0.0.1")
    assert (await tabs[0].post("/auth/refresh")).status_code == 200


async def test_signing_out_while_refreshing_leaves_no_live_session(workers: Workers):
    account = await workers.an_account(enrolled=True)
    (browser,) = await workers.at_second_factor(account)
    await browser.offer(code_of(account))
    token = browser.http.cookies["focys_refresh"]
    await workers.a_minute_later(account)
    tabs = [workers.a_browser(browser.source) for _ in range(8)]
    for tab in tabs:
        tab.http.cookies.set("focys_refresh", token)

    await gather(*(tab.post("/auth/refresh") for tab in tabs[1:]), tabs[0].post("/auth/logout"))
    after = [await tab.post("/auth/refresh") for tab in tabs]

    assert await workers.rows_of("sessions", account.id, "revoked_at IS NULL") == 0
    assert {response.json()["code"] for response in after} == {"session_ended"}
