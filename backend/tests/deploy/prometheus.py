"""A real Prometheus with the shipped files, that reads a real FOCYS and a real node exporter."""

import contextlib
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.deploy.shipped import DEPLOY, replaced
from tests.support.debian import debian_program
from tests.support.processes import Server, free_port, serving

FOLDER = DEPLOY / "prometheus"
RULES, CONFIGURATION, RULE_TESTS = FOLDER / "alerts.yml", FOLDER / "prometheus.yml", FOLDER / "alerts.test.yml"
BACKUP_UNIT = DEPLOY / "systemd" / "focys-backup.service"
WAIT_SECONDS = 60

# An instant vector selector, as far as ours go: a name and what stands in its braces.
SELECTOR = re.compile(r"\b((?:focys|node)_[a-z0-9_]+|up)\b(\{[^}]*\})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus, to be asked."""

    url: str

    def ask(self, path: str, **parameters: str) -> Any:
        """Return the data of a response of its API, which must be a success."""
        response = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=20)
        assert response.json()["status"] == "success", response.text
        return response.json()["data"]

    def rules(self) -> list[dict[str, Any]]:
        """All rules, as it has read them and as they stand."""
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def series(self, selector: str) -> list[dict[str, str]]:
        """The label sets of all series that a selector finds."""
        return list(self.ask("series", **{"match[]": selector}))

    def wait_until(self, is_so: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, f"Prometheus does not see {what}: {self.ask('targets')}"
            time.sleep(0.2)


@contextlib.contextmanager
def running_prometheus(folder: Path, *, focys_port: int) -> Iterator[Prometheus]:
    """Have Prometheus scrape FOCYS and a node exporter, which passes on what the backup has left for it."""
    port, node_port = free_port(), free_port()
    changes = {"127.0.0.1:8000": f"127.0.0.1:{focys_port}", "127.0.0.1:9100": f"127.0.0.1:{node_port}", "15s": "1s"}
    (folder / CONFIGURATION.name).write_text(replaced(CONFIGURATION, changes))
    shutil.copy(RULES, folder)
    texts = folder / "texts"
    texts.mkdir()
    leave_what_the_backup_leaves(texts)
    exporter = debian_program("prometheus-node-exporter", package="prometheus-node-exporter")
    prometheus = debian_program("prometheus", package="prometheus")
    nodes = Server(
        f"{exporter} --web.listen-address=127.0.0.1:{node_port} --collector.disable-defaults --collector.timex"
        f" --collector.textfile --collector.textfile.directory={texts}",
        port=node_port,
        folder=folder,
        env={},
        log=folder / "node-exporter.log",
    )
    server = Server(
        f"{prometheus} --config.file={folder}/prometheus.yml --storage.tsdb.path={folder}/data"
        f" --web.listen-address=127.0.0.1:{port}",
        port=port,
        folder=folder,
        env={},
        log=folder / "prometheus.log",
    )
    with serving(nodes, path="/metrics"), serving(server, path="/-/ready"):
        yield Prometheus(server.url)


def leave_what_the_backup_leaves(folder: Path) -> None:
    """Run what the backup's unit runs once a backup is made, in a folder of the test."""
    (line,) = re.findall(r"^ExecStartPost=-\+(.+)$", BACKUP_UNIT.read_text(), flags=re.MULTILINE)
    assert line.count("/var/lib/prometheus/node-exporter") == 1
    command = line.replace("/var/lib/prometheus/node-exporter", str(folder))
    # What systemd makes of it before it runs it.
    subprocess.run(shlex.split(command.replace("$$", "$").replace("%%", "%")), check=True)


def selectors_in(expression: str) -> set[tuple[str, str]]:
    """The metrics that an expression reads, each with its braces."""
    return {(name, braces) for name, braces in SELECTOR.findall(expression)}


def missing(prometheus: Prometheus, name: str, braces: str) -> list[str]:
    """What a selector asks for that no series has: labels, and values that are written out."""
    written = [(label, value) for label, sign, value in MATCHER.findall(braces) if sign == "="]
    labels = {label for label, _, _ in MATCHER.findall(braces)}
    found = prometheus.series(name + "{" + ",".join(f'{label}="{value}"' for label, value in written) + "}")
    return sorted(labels - set().union(*found)) if found else [f"no series {name} with {written}"]
