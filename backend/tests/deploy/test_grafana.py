"""The dashboard: whole, tidy, explained, and about metrics that are there."""

import json
from itertools import combinations
from typing import Any

import pytest

from tests.deploy.prometheus import Prometheus, missing, selectors_in
from tests.deploy.shipped import DEPLOY

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "focys.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
SHOWN = [panel for panel in PANELS if panel["type"] != "row"]
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24

WANTED = {
    "sign-ins by outcome": "Steps of sign-ins",
    "TOTP success rate": "Codes accepted",
    "failures by reason": "Codes refused, by reason",
    "lockouts by rung": "Locks, by rung",
    "offset of phones": "Clocks of phones",
    "QR time": "Drawing QR codes",
    "mails": "Mail",
    "Argon2": "Passwords being hashed",
    "database": "Database",
    "request durations": "How long requests take",
    "alerts": "Alerts",
}


def by_title(panel: dict[str, Any]) -> str:
    return str(panel["title"])


def expression_of(target: dict[str, Any]) -> str:
    """What Grafana would ask, its own variables filled in."""
    return str(target["expr"]).replace("$__rate_interval", "5m")


def test_the_dashboard_can_be_imported_anywhere():
    """It names no data source of ours, and has an identity of its own."""
    (variable,) = DASHBOARD["templating"]["list"]

    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    assert (DASHBOARD["id"], DASHBOARD["uid"], DASHBOARD["title"]) == (None, "focys", "FOCYS")
    sources = [panel["datasource"] for panel in SHOWN] + [t["datasource"] for panel in SHOWN for t in panel["targets"]]
    assert all(source == DATASOURCE for source in sources)


def test_panels_do_not_overlap_and_leave_no_gaps():
    ids = [panel["id"] for panel in PANELS]
    covered = [cells_of(panel["gridPos"]) for panel in PANELS]

    assert len(ids) == len(set(ids))
    assert not any(one & other for one, other in combinations(covered, 2))
    assert all(0 <= x < WIDTH for cells in covered for x, _ in cells)
    # And no holes: every line is used from end to end.
    used = set().union(*covered)
    assert len(used) == WIDTH * (1 + max(y for _, y in used))


def cells_of(place: dict[str, int]) -> set[tuple[int, int]]:
    xs = range(place["x"], place["x"] + place["w"])
    ys = range(place["y"], place["y"] + place["h"])
    return {(x, y) for x in xs for y in ys}


def test_the_dashboard_has_the_expected_rows():
    assert [panel["title"] for panel in PANELS if panel["type"] == "row"] == ["People", "Codes", "Machine"]
    assert set(WANTED.values()) <= {panel["title"] for panel in SHOWN}


@pytest.mark.parametrize("panel", SHOWN, ids=by_title)
def test_every_panel_has_a_description_and_a_unit(panel: dict[str, Any]):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    refs = [target["refId"] for target in panel["targets"]]
    assert refs
    assert len(refs) == len(set(refs))


def test_colors_are_set_for_existing_series():
    """A name that is written out in a legend; the others come from labels."""
    for panel in SHOWN:
        legends = [target["legendFormat"] for target in panel["targets"]]
        if not any("{{" in legend for legend in legends):
            named = {
                o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"] if o["matcher"]["id"] == "byName"
            }
            assert named <= set(legends), panel["title"]


async def test_every_query_is_valid_and_finds_its_metrics(used: Prometheus):
    for panel in SHOWN:
        for target in panel["targets"]:
            expression = expression_of(target)
            used.ask("query", query=expression)
            for name, braces in sorted(selectors_in(expression)):
                assert missing(used, name, braces) == [], f"{panel['title']}: {expression}"
