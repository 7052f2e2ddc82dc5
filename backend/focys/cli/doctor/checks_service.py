"""The running service on this machine, and what systemd knows of it: its state, its age, its backups, the time."""

import asyncio
import shutil
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from focys.cli.doctor.checks_database import FIX_CLOCK, RESTART
from focys.cli.doctor.checks_local import BACKUPS, DEPLOYED
from focys.cli.doctor.report import Finding, fail, ok, warn
from focys.settings import LOCAL_HOSTS, Settings, secret_files, settings_file
from focys.settings.database_url import options_of

SERVICE = "http://127.0.0.1:8000"
UNIT, BACKUP = "focys-backend", "focys-backup"
RESPONSE_SECONDS = 5
PROGRAM_SECONDS = 3
MAX_BYTES = 4 * 1024 * 1024
MANY_FILES = 500
OLDEST_BACKUP = timedelta(hours=50)
"""Two nights, and some time for the backup itself."""

# At the root, or next to the pages of ``focys serve``.
_PREFIXES = ("", "/api")
_FOLDER = "PROMETHEUS_MULTIPROC_DIR="
_LISTENS = "0A"
_LOOPBACK = IPv4Address("127.0.0.1")
_START_BACKUPS = f"systemctl enable --now {BACKUP}.timer"


async def check_unit() -> list[Finding]:
    """Report the state of the systemd unit; nothing where there is none."""
    unit = await _shown(UNIT, "LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload", "ExecMainStartTimestamp")
    if unit.get("LoadState") != "loaded":
        return []
    started = unit.get("ExecMainStartTimestamp", "").removeprefix("@")
    return [unit_finding(unit), *([restart_finding(float(started), _settings_changed())] if started else [])]


def unit_finding(unit: dict[str, str]) -> Finding:
    """Report whether systemd runs the service, now and after the next boot."""
    name = "unit"
    if unit["ActiveState"] != "active":
        fix = f"{RESTART}; if it does not stay up, journalctl -u {UNIT} says why"
        return fail(name, f"systemd does not run the service ({unit['ActiveState']})", fix)
    if unit["NeedDaemonReload"] == "yes":
        return warn(name, "the unit was changed after it was loaded", f"systemctl daemon-reload && {RESTART}")
    if unit["UnitFileState"] != "enabled":
        return warn(name, "the service will not start at boot", f"systemctl enable {UNIT}")
    return ok(name, "active, and starts at boot")


def restart_finding(started: float, changed: float) -> Finding:
    """Report settings that are newer than the running service, both in seconds since 1970."""
    name = "settings in use"
    if changed > started + 1:
        return warn(name, "the settings or secrets were changed after the service started", RESTART)
    return ok(name, "the service has read the current files")


async def check_service(service: str, *, is_local: bool) -> list[Finding]:
    """Ask the running service how many workers it has, and whether it is ready."""
    name = "workers"
    try:
        # Another program may be listening there.
        async with asyncio.timeout(RESPONSE_SECONDS), httpx.AsyncClient(trust_env=False) as client:
            for prefix in _PREFIXES:
                if (running := await _workers_in(client, f"{service}{prefix}/metrics")) is not None:
                    ready = await client.get(f"{service}{prefix}/health/ready")
                    return [workers_finding(running), ready_finding(ready)]
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as fault:
        if is_local:
            return [ok(name, "none running", aside=service)]
        detail = f"the service does not respond on this machine ({type(fault).__name__})"
        return [fail(name, detail, f"{RESTART}; or focys doctor --service URL", aside=service)]
    detail = "another program responds on this machine, not this service"
    return [warn(name, detail, "focys doctor --service URL, with the address it listens on", aside=service)]


def workers_finding(running: int) -> Finding:
    """Report the workers that serve."""
    if running < 1:
        return warn("workers", "the service responds, but its metrics count no worker", RESTART)
    return ok("workers", "1 running" if running == 1 else f"{running} running, and /metrics adds them up")


def ready_finding(response: httpx.Response) -> Finding:
    """Report what the service itself says about its readiness."""
    name = "readiness"
    if response.is_success:
        return ok(name, "the service is ready to sign people in")
    try:
        failing = ", ".join(str(part) for part in response.json()["failing"])
    except (ValueError, KeyError, TypeError):
        failing = f"it responds with {response.status_code}"
    return fail(name, f"the service is not ready: {failing}", f"see the other lines; if they are all ok: {RESTART}")


async def check_metrics_folder() -> list[Finding]:
    """Check the folder in which the unit's workers add up their metrics."""
    unit = await _shown(UNIT, "Environment", "ActiveState")
    folder = next((w.partition("=")[2] for w in unit.get("Environment", "").split() if w.startswith(_FOLDER)), "")
    if not folder or unit.get("ActiveState") != "active":
        return []
    return [folder_finding(Path(folder))]


def folder_finding(folder: Path) -> Finding:
    """Report whether the folder is there, and holds no more files than the workers need."""
    try:
        return metrics_finding(sum(1 for _ in folder.iterdir()))
    except OSError as fault:
        return warn("metrics", f"the folder cannot be read ({fault.strerror})", RESTART, aside=str(folder))


def metrics_finding(files: int) -> Finding:
    """Report whether the files of workers that are gone make reading the metrics slow."""
    if files > MANY_FILES:
        return warn("metrics", f"{files} files of workers make reading them slow", RESTART)
    return ok("metrics", "added up over all workers")


async def check_backups(settings: Settings, now: datetime) -> list[Finding]:
    """Check that the backups of deploy/systemd run; nothing for another deployment, or a database elsewhere."""
    timer = await _shown(f"{BACKUP}.timer", "LoadState", "ActiveState")
    if settings_file() != DEPLOYED / "focys.env" or not timer or not _is_here(settings):
        return []
    unit = await _shown(f"{BACKUP}.service", "Result")
    return [backups_finding({**timer, **unit}, now - datetime.fromtimestamp(_changed(BACKUPS), UTC))]


def backups_finding(units: dict[str, str], age: timedelta) -> Finding:
    """Report whether backups are made every night; *age* is that of the folder's last change."""
    name = "backups"
    if units.get("LoadState") != "loaded":
        return warn(name, "none are made", "see docs/RUNBOOK.md, Every night")
    if units.get("ActiveState") != "active":
        return warn(name, "the nightly timer is off", _START_BACKUPS)
    again = f"systemctl start {BACKUP}"
    if units.get("Result", "success") != "success":
        return warn(name, "the last one failed", f"journalctl -u {BACKUP} says why; then: {again}")
    if age > OLDEST_BACKUP:
        return warn(name, f"none for {age.days} days", again)
    return ok(name, "made every night")


def check_local_proxy(settings: Settings) -> list[Finding]:
    """Report a proxy on this machine that is not trusted, so that all visitors seem to come from it."""
    table = Path("/proc/net/tcp")
    if settings.is_local or not settings.trusted_proxies or not table.is_file():
        return []
    listening = _listening(table.read_text(encoding="ascii"), port=8000)
    if listening != {_LOOPBACK} or any(_LOOPBACK in network for network in settings.trusted_proxies):
        return []
    detail = "the proxy is on this machine, but not in TRUSTED_PROXIES: all visitors share one address, and one limit"
    return [warn("local proxy", detail, "set TRUSTED_PROXIES=127.0.0.1")]


async def check_time() -> Finding:
    """Ask this machine whether its clock is synchronized."""
    told = await _output("timedatectl", "show", "--property=NTPSynchronized", "--value")
    return synchronized_finding({"yes": True, "no": False}.get((told or "").strip()))


def synchronized_finding(synchronized: bool | None) -> Finding:
    """Report whether this machine's clock is synchronized."""
    if synchronized is None:
        return ok("time", "unknown whether this machine is synchronized; there is no timedatectl")
    if synchronized:
        return ok("time", "this machine is synchronized")
    return warn("time", "this machine is not synchronized", FIX_CLOCK)


def _is_here(settings: Settings) -> bool:
    """Tell whether the database is on this machine."""
    if settings.database.startswith("sqlite"):
        return True
    host = options_of(settings.database_url.get_secret_value()).get("host", "")
    return not host or host.startswith("/") or host in LOCAL_HOSTS


def _settings_changed() -> float:
    """Return when a file of settings or secrets was last changed, in seconds since 1970."""
    return max(_changed(path) for path in (settings_file(), *secret_files().values()))


def _changed(path: Path | None) -> float:
    """Return when a file or folder was last changed; a missing one, never."""
    return path.stat().st_mtime if path is not None and path.exists() else 0


def _listening(table: str, port: int) -> set[IPv4Address]:
    """Return the addresses at which something listens on a port, from the text of /proc/net/tcp."""
    rows = [line.split() for line in table.splitlines()[1:]]
    ends = [row[1].split(":") for row in rows if row[3] == _LISTENS]
    return {
        IPv4Address(int.from_bytes(bytes.fromhex(address), sys.byteorder))
        for address, number in ends
        if int(number, 16) == port
    }


async def _shown(unit: str, *names: str) -> dict[str, str]:
    """Return what systemd says about a unit, or nothing where there is no systemd."""
    wanted = f"--property={','.join(names)}"
    told = await _output("systemctl", "show", "--timestamp=unix", wanted, unit)
    pairs = (line.partition("=") for line in (told or "").splitlines())
    found = {name: value for name, _, value in pairs}
    return found if found.keys() >= {names[0]} else {}


async def _output(program: str, *arguments: str) -> str | None:
    """Return what a program prints, or None if it is missing, slow or fails."""
    path = shutil.which(program)
    if path is None:
        return None
    process = await asyncio.create_subprocess_exec(
        path, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PROGRAM_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return output.decode(errors="replace") if process.returncode == 0 else None


async def _workers_in(client: httpx.AsyncClient, url: str) -> int | None:
    """Return the number of workers in our metrics, or None if the response is not ours."""
    async with client.stream("GET", url) as response:
        if not response.is_success or not response.headers.get("content-type", "").startswith("text/plain"):
            return None
        body = b""
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MAX_BYTES:
                return None
    try:
        families = list(text_string_to_metric_families(body.decode()))
        values = [sample.value for family in families if family.name == "focys_workers" for sample in family.samples]
        return int(values[0]) if values else None
    except (ValueError, OverflowError):
        return None
