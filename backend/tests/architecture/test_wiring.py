"""What a feature defines, it also declares: its kinds of email, audit events, alarms and gauges."""

import re
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import packages_distributions
from runpy import run_path
from types import ModuleType
from typing import Any

from sqlalchemy import Column, String

from focys.domain.outcome import Reason
from focys.features.audit import AlarmName, EventName, audit_events
from focys.features.email_code import EmailCodes
from focys.features.outbox import Notice, outbox
from focys.services import FEATURES, build_services
from tests.architecture.source import BACKEND, PACKAGE, modules
from tests.conftest import settings_for


def _modules_of_features() -> list[ModuleType]:
    paths = modules(PACKAGE / "features")
    return [import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)) for path in paths]


def test_every_event_and_alarm_of_a_feature_is_declared_by_it_and_has_its_own_name():
    defined: list[str] = []
    for module in _modules_of_features():
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, EventName | AlarmName)
                and value.__module__ == module.__name__
            ):
                defined += value

    declared = [name for feature in FEATURES for name in (*feature.events, *feature.alarms)]

    assert len(defined) > 20
    assert sorted(defined) == sorted(declared)
    assert len(set(defined)) == len(defined)


async def test_every_notice_of_a_feature_is_declared_by_it(sqlite_url: str):
    defined = {EmailCodes.kind}
    for module in _modules_of_features():
        defined |= {value.kind for value in vars(module).values() if isinstance(value, Notice)}
    services = build_services(settings_for(sqlite_url))

    known = set(services.outbox.kinds)
    await services.close()

    assert len(defined) > 10
    assert defined == known


def test_every_name_fits_its_column():
    """SQLite does not check lengths; PostgreSQL refuses what is longer."""
    events = [event for feature in FEATURES for event in feature.events]
    kinds = [email.kind for feature in FEATURES for email in feature.emails]

    assert _longest(events) <= _length_of(audit_events.c.event)
    assert _longest(Reason) <= _length_of(audit_events.c.reason)
    assert _longest(kinds) <= _length_of(outbox.c.kind)


def _longest(names: Iterable[str]) -> int:
    return max(len(name) for name in names)


def _length_of(column: Column[Any]) -> int:
    assert isinstance(column.type, String)
    return column.type.length or 0


def test_every_reading_in_a_gauges_module_is_declared():
    modules_of_gauges = [module for module in _modules_of_features() if module.__name__.endswith(".gauges")]
    defined = {
        value for module in modules_of_gauges for name, value in vars(module).items() if name.startswith("read_")
    }

    assert len(defined) > 4
    assert defined == {gauge.read for feature in FEATURES for gauge in feature.gauges}


def test_modules_preloaded_by_gunicorn_are_production_requirements():
    """A module that only the developers' packages bring is missing in production."""
    shared = {name.partition(".")[0] for name in run_path(str(BACKEND / "gunicorn.conf.py"))["SHARED"]}
    required = set(re.findall(r"^([\w.-]+)==", (BACKEND / "requirements.txt").read_text(), flags=re.MULTILINE))
    ours = {"focys"}

    missing = {
        name
        for name in shared - ours
        if required.isdisjoint(_normal(d) for d in packages_distributions().get(name, []))
    }

    assert len(shared) > 5
    assert missing - set(sys.stdlib_module_names) == set()


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()
