"""`make audit`: pip-audit and npm as they are locked, against an advisory service of our own."""

import gzip
import json
import os
import re
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

FIXABLE, NOT_DONE = 1, 3
PAGE_LOCK = json.loads((ROOT / "frontend" / "package-lock.json").read_text())["packages"]
PAGE_FINDING = "react-router: Open redirect (GHSA-aaaa-bbbb-cccc)"


class Service(ThreadingHTTPServer):
    """Both advisory services and a registry; jinja2 and react-router are vulnerable if there are *fixes*."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.fixes: dict[str, str | None] = {}
        self.body: bytes | None = None
        self.asked: set[str] = set()

    def response(self, path: str, question: dict[str, Any]) -> Any:
        if path.endswith("/advisories/bulk"):
            self.asked |= question.keys()
            return {"react-router": [page_advisory(self.fixes["pages"])]} if "pages" in self.fixes else {}
        name = question["package"]["name"]
        self.asked.add(name)
        return {"vulns": [python_advisory(self.fixes["python"])]} if name == "jinja2" and "python" in self.fixes else {}


class Request(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body
        self.respond(self.server.response(self.path, json.loads(body)))

    def do_GET(self) -> None:
        locked = PAGE_LOCK["node_modules/react-router"]["version"]
        versions = {version: {"name": "react-router", "version": version} for version in (locked, "999.0.0")}
        self.respond({"name": "react-router", "dist-tags": {"latest": "999.0.0"}, "versions": versions})

    def respond(self, value: Any) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode() if self.server.body is None else self.server.body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


def python_advisory(fix: str | None) -> dict[str, Any]:
    events = [{"introduced": "0"}, *([{"fixed": fix}] if fix else [])]
    affected = {"package": {"name": "jinja2", "ecosystem": "PyPI"}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
    return {"id": "GHSA-cpwx-vrp4-4pq7", "aliases": ["CVE-2025-27516"], "summary": "x", "affected": [affected]}


def page_advisory(fix: str | None) -> dict[str, Any]:
    advisory = {"id": 1, "title": "Open redirect", "severity": "high", "url": "https://x.example/GHSA-aaaa-bbbb-cccc"}
    return advisory | {"vulnerable_versions": f"<{fix}" if fix else "*", "cwe": [], "cvss": {"score": 7.1}}


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def audit(python_port: int, page_port: int, cache: Path) -> CompletedProcess[str]:
    settings = {
        "PIP_AUDIT_OSV_URL": f"http://127.0.0.1:{python_port}/v1/query",
        "npm_config_registry": f"http://127.0.0.1:{page_port}",
        "npm_config_cache": str(cache),
        "NO_PROXY": "127.0.0.1",
    }
    return run([sys.executable, "scripts/audit.py"], folder=ROOT, env={**os.environ, **settings})


def test_without_known_vulnerabilities_it_passes_and_has_asked_about_every_deployed_package(
    service: Service, tmp_path: Path
):
    """CFG-07: each locked package that this machine would install."""
    lock = (ROOT / "backend" / "requirements.txt").read_text()
    pages = {path.removeprefix("node_modules/") for path, package in PAGE_LOCK.items() if path and "dev" not in package}

    result = audit(service.server_port, service.server_port, tmp_path)

    assert result.returncode == 0, result.stdout
    assert result.stdout == "Python packages: no known vulnerabilities.\nPage packages: no known vulnerabilities.\n"
    assert {*re.findall(r"^([\w.-]+)==[^;\n]+$", lock, re.MULTILINE), *pages} <= service.asked
    assert {"pytest", "vite"}.isdisjoint(service.asked)


@pytest.mark.parametrize(
    ("side", "finding", "fixed"),
    [("python", "jinja2", "fixed in 999.0.0"), ("pages", PAGE_FINDING, "fixed in react-router 999.0.0")],
)
def test_only_a_vulnerability_with_a_fix_fails(service: Service, tmp_path: Path, side: str, finding: str, fixed: str):
    """CFG-07: the others are printed."""
    results = []
    for fix in ("999.0.0", None):
        service.fixes = {side: fix}
        results.append(audit(service.server_port, service.server_port, tmp_path))

    assert [result.returncode for result in results] == [FIXABLE, 0]
    for result, mark, ending in zip(results, "✗!", (fixed, "no fix yet"), strict=True):
        (line,) = [line for line in result.stdout.splitlines() if finding in line]
        assert line.startswith(f"  {mark} ")
        assert line.endswith(f", {ending}")


def test_an_unreachable_service_is_not_done_and_hides_no_finding(service: Service, tmp_path: Path):
    """CFG-07: pip-audit exits with the same code for both, and so does npm."""
    closed, port = free_port(), service.server_port

    neither, pages_only, python_only = (
        audit(closed, closed, tmp_path),
        audit(closed, port, tmp_path),
        audit(port, closed, tmp_path),
    )
    service.fixes = {"python": "999.0.0"}
    found = audit(port, closed, tmp_path)

    assert [result.returncode for result in (neither, pages_only, python_only)] == [NOT_DONE] * 3
    assert [result.stdout.count("NOT AUDITED: ") for result in (neither, pages_only, python_only)] == [2, 1, 1]
    assert found.returncode == FIXABLE


@pytest.mark.parametrize("body", [b"", b"<html>Sign in to the network</html>"])
def test_an_unreadable_response_is_not_done(service: Service, tmp_path: Path, body: bytes):
    """CFG-07: such as that of a network that wants a sign-in first."""
    service.body = body

    result = audit(service.server_port, service.server_port, tmp_path)

    assert result.returncode == NOT_DONE
    assert result.stdout.count("NOT AUDITED: ") == 2


@pytest.mark.parametrize(
    ("code", "mark", "ending"),
    [(0, "✓", "all is well"), (NOT_DONE, "?", "the reason is above."), (FIXABLE, "✗", "its output is above.")],
)
def test_an_audit_that_was_not_done_neither_passes_nor_fails_the_deployment_tests(code: int, mark: str, ending: str):
    plan = f"""
import dataclasses, verify
audit = verify.PLANS["test-deployment"][-1]
assert audit.commands == ["python scripts/audit.py"]
verify.PLANS["test-deployment"] = [dataclasses.replace(audit, commands=["python -c 'exit({code})'"])]
raise SystemExit(verify.main("test-deployment", []))
"""
    result = run([sys.executable, "-c", plan], folder=ROOT / "scripts", env=dict(os.environ))

    assert result.returncode == (FIXABLE if code == FIXABLE else 0)
    assert f"{mark} Known vulnerabilities" in result.stdout
    assert ending in result.stdout.splitlines()[-1]
