"""The alerts: right in themselves, each tried, each with a sentence for people, none about a metric that is not there."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.deploy.prometheus import (
    CONFIGURATION,
    FOLDER,
    RULE_TESTS,
    RULES,
    Prometheus,
    missing,
    selectors_in,
)
from tests.deploy.shipped import ROOT
from tests.support.debian import debian_program

RUNBOOK = ROOT / "docs" / "RUNBOOK.md"
ALERTS = re.findall(r"^      - alert: (\w+)$", RULES.read_text(), flags=re.MULTILINE)

CHECKLIST = {
    "TOTP verification success rate": {"FocysCodesRefused"},
    "Failed TOTP attempt patterns": {"FocysManyWrongCodes", "FocysFactorFailing"},
    "Rate limiter lockout frequency": {"FocysManyLocks", "FocysPasswordsTried"},
    "QR code generation success": {"FocysQrFailing", "FocysQrSlow"},
    "Database connectivity": {"FocysDatabaseAway", "FocysDatabaseFaults", "FocysDatabasePoolFull"},
    "Server time synchronization": {"FocysClockApart", "FocysClockNotSynchronised", "FocysPhonesDisagree"},
    "Backup of user TOTP secrets (in case of disaster)": {"FocysBackupOld"},
}
"""The guide's own list, line by line."""

LOG_06 = {
    "right password with failed factor": "FocysFactorFailing",
    "guarded mode": "FocysGuarded",
    "refresh reuse": "FocysRefreshTokenReused",
    "decrypt failure": "FocysSecretUnreadable",
    "admin factor reset": "FocysMfaReset",
    "service-wide second-factor failure rate": "FocysManyWrongCodes",
}


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [debian_program("promtool", package="prometheus"), *map(str, arguments)]
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=100, check=False)


def test_promtool_accepts_configuration_and_rules():
    found = promtool("check", "config", "--lint=all", "--lint-fatal", CONFIGURATION)

    assert found.returncode == 0, found.stdout + found.stderr
    assert f"SUCCESS: {len(ALERTS)} rules found" in found.stdout
    assert found.stderr == ""


def test_every_alert_fires_when_it_should_and_only_then():
    found = promtool("test", "rules", RULE_TESTS)

    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_a_firing_and_a_silent_case(alert: str):
    cases = RULE_TESTS.read_text().split("  - name: ")[1:]
    own = "".join(case for case in cases if case.startswith(f'"{alert}: '))

    asked = f"""- expr: 'count by (alertname) (ALERTS{{alertname="{alert}",alertstate="firing"}})'"""
    assert own.count(asked) >= 2
    assert "exp_samples: []" in own
    assert f"""exp_samples: [{{labels: '{{alertname="{alert}"}}', value: 1}}]""" in own


def test_every_item_of_both_checklists_has_an_alert():
    assert set().union(*CHECKLIST.values(), LOG_06.values()) <= set(ALERTS)
    assert len(ALERTS) == len(set(ALERTS))


def test_every_alert_has_a_summary_and_a_runbook_entry(watching: Prometheus):
    headings = re.findall(r"^#+ (.+)$", RUNBOOK.read_text(), flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}

    for rule in watching.rules():
        about = rule["annotations"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert set(about) == {"summary", "description", "runbook"}
        assert len(about["summary"].split(" {{")[0]) < 80
        assert not about["summary"].endswith(".")
        assert about["description"].endswith(".")
        file, _, anchor = about["runbook"].partition("#")
        assert (file, anchor) == ("docs/RUNBOOK.md", rule["name"].lower())
        assert anchor in anchors, f"docs/RUNBOOK.md has no heading {rule['name']}"


async def test_every_metric_and_label_in_the_alerts_exists(used: Prometheus):
    """LOG-06: so that no alert is silent because of a name."""
    read = set().union(*(selectors_in(rule["query"]) for rule in used.rules()))

    assert len({name for name, _ in read}) > 20
    for name, braces in sorted(read):
        assert missing(used, name, braces) == [], f"{name}{braces}"


# Whether the machine of the test keeps its clock is not ours to say.
OF_THE_HOST = {"FocysClockNotSynchronised"}


async def test_a_healthy_service_raises_no_alarm(used: Prometheus):
    """Nor is any about to: a rule that waits for its time is pending."""
    awake = {rule["name"] for rule in used.rules() if rule["state"] != "inactive"}

    assert awake <= OF_THE_HOST
    assert [rule["lastError"] for rule in used.rules() if rule.get("lastError")] == []
