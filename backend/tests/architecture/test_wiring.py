"""What is wired in ``focys.app`` by a name that no type checker follows."""

import ast
from importlib import import_module
from typing import Any

import pytest

from focys.app import build_services
from focys.features.lockout import service as lockout
from focys.features.outbox import Outbox
from tests.architecture.source import PACKAGE, calls_in, modules
from tests.conftest import settings_for


async def test_every_kind_of_email_that_is_queued_has_its_composer_and_no_other_has_one(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
):
    written, composed = set[str](), set[str]()
    for path in modules():
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for name, call in calls_in(path):
            if name == "letter_for":
                kind = getattr(import_module(module), ast.unparse(call.args[1]), None)
                # The lockout's depends on the number of the failure.
                written |= {kind} if kind is not None else set(lockout._KINDS.values())

    def recorded(*arguments: Any) -> Outbox:
        composed.update(arguments[-1])
        return Outbox(*arguments)

    monkeypatch.setattr("focys.app.Outbox", recorded)
    await build_services(settings_for(sqlite_url)).close()

    assert written == composed
