"""What a caller pays when the service is too busy to look at the password: nothing."""

import pytest

from focys.infra.crypto.hashing import BusyError
from tests.support.service import World


async def test_a_try_that_was_never_examined_counts_neither_for_the_account_nor_for_the_source(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    account = await world.an_account()
    browser = world.a_browser()

    async def busy(*_: object) -> bool:
        raise BusyError

    with monkeypatch.context() as patch:
        patch.setattr(type(world.services.passwords), "verify", busy)
        refused = [await browser.sign_in_with_password(account) for _ in range(31)]

    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "busy")}
    assert refused[0].headers["Retry-After"] == "2"
    assert (await browser.sign_in_with_password(account)).status_code == 200
