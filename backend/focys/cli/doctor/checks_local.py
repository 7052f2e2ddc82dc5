"""The settings and their files, and this machine: Argon2, the pages, the disks, the log file."""

import os
import shutil
import stat
from getpass import getuser
from importlib.metadata import distribution
from pathlib import Path
from shlex import quote
from urllib.parse import urlsplit

from focys.cli.doctor.report import Finding, fail, ok, warn
from focys.infra.web.client_address import is_shared
from focys.settings import (
    BACKEND,
    LOCAL_HOSTS,
    SETTINGS_FILE,
    Settings,
    names_read_differently,
    names_without_effect,
    secret_files,
    settings_file,
)

DEFAULT_NAME = "FOCYS"
MIB = 1024 * 1024
LOW_SPACE = 1024 * MIB
NO_SPACE = 100 * MIB
DEPLOYED = Path("/etc/focys")
OWNER_URL = DEPLOYED / "owner_database_url"
OWNER_SERVICE = DEPLOYED / "pg_service.conf"
"""How psql reaches a database on another machine as the owner of the tables."""
BACKUPS = Path("/var/backups/focys")
POSTGRES = Path("/var/lib/postgresql")
RESTRICT = "systemd-tmpfiles --create focys.conf"
_IN_CONTAINER = Path("/run/secrets")
"""Where containers have their secrets. There is no other user to hide them from."""
_NAME_THE_PROXY = "set TRUSTED_PROXIES to the proxy's address, such as 127.0.0.1/32"


def unusable(problem: str) -> Finding:
    """Report a setting that cannot be used, and in which file to correct it."""
    name, _, what = problem.partition(": ")
    if name == SETTINGS_FILE:
        return fail("settings", problem, _let_read(settings_file()))
    is_of_a_secret = f"{name}_FILE names" in what
    if is_of_a_secret and "Permission denied" in what:
        return fail("settings", problem, _let_read(secret_files().get(name.lower())))
    if is_of_a_secret and "No such file" in what:
        return fail("settings", problem, f"restore that file, or correct {name}_FILE {_where()}")
    return fail("settings", problem, f"correct it {_where()}")


def _let_read(file: Path | None) -> str:
    """Return the command after which the user that runs FOCYS can read the file."""
    if file is None or file.is_relative_to(DEPLOYED):
        return RESTRICT
    return f"sudo chown {getuser()} {quote(str(file))}; sudo chmod u+r {quote(str(file))}"


def check_settings_file() -> Finding | None:
    """Report a settings file of the service that the command line does not read."""
    link = BACKEND / ".env"
    if settings_file() is not None or not (DEPLOYED / "focys.env").exists():
        return None
    fix = f"ln -sf {DEPLOYED}/focys.env {quote(str(link))}"
    return fail("settings", "the commands do not read the service's settings", fix, aside=str(link))


def check_settings(settings: Settings) -> list[Finding]:
    """Return a finding for each setting that decides how the service meets the world."""
    return [
        _lines(),
        *_without_effect(),
        _public_url(settings),
        _origins(settings),
        _proxies(settings),
        _app_name(settings),
    ]


def addresses_finding(lone: tuple[int, str] | None, settings: Settings) -> Finding:
    """Report whether everyone's sign-ins of the last day came from one address that cannot be their own."""
    name = "addresses"
    if lone is None or not is_shared(lone[1], settings.trusted_proxies):
        return ok(name, "no sign that people share one")
    detail = f"all {lone[0]} people of the last day seem to come from one private address, and share one limit"
    return warn(name, detail, _NAME_THE_PROXY, aside=lone[1])


def check_access(settings: Settings) -> Finding:
    """Look for secrets, data and backups that every user of this machine can read."""
    paths = [settings_file(), *secret_files().values(), BACKUPS, OWNER_URL, OWNER_SERVICE]
    paths += [settings.data_dir / "secret_key", settings.data_dir / "focys.db"] if settings.is_embedded else []
    if settings_file() == DEPLOYED / "focys.env":
        paths.append(DEPLOYED)
    own = [path for path in dict.fromkeys(paths) if path is not None and not path.is_relative_to(_IN_CONTAINER)]
    return access_finding([path for path in own if _is_open(path)])


def access_finding(readable: list[Path]) -> Finding:
    """Report which files everyone can read."""
    name = "file access"
    if not readable:
        return ok(name, "only root and the service can read secrets")
    are_known = all(path in {DEPLOYED, BACKUPS} or path.is_relative_to(DEPLOYED) for path in readable)
    fix = RESTRICT if are_known else f"chmod o= {' '.join(quote(str(path)) for path in readable)}"
    what = "1 file or folder" if len(readable) == 1 else f"{len(readable)} files or folders"
    detail = f"every user of this machine can read {what} with secrets"
    return warn(name, detail, fix, aside=", ".join(map(str, readable)))


def check_argon2(settings: Settings) -> Finding:
    """Check whether Argon2 was built for this processor."""
    return argon2_finding(distribution("argon2-cffi-bindings").read_text("WHEEL") or "", is_local=settings.is_local)


def argon2_finding(wheel: str, *, is_local: bool) -> Finding:
    """Report the cost of Argon2 by its WHEEL file: the stock build has no vector code, and takes twice the time."""
    name = "argon2"
    if "manylinux" not in wheel:
        return ok(name, "built on this machine")
    detail = "the stock wheel; a build for this processor halves the cost of a sign-in"
    return ok(name, detail) if is_local else warn(name, detail, "see docs/DEPLOYMENT.md, Python packages")


def check_pages(pages: Path) -> Finding:
    """Check that the pages are built."""
    try:
        is_built, is_here = (pages / "index.html").is_file(), pages.parent.is_dir()
    except PermissionError:
        fix = f"chmod -R a+rX {quote(str(pages))}"
        return warn("pages", "only some users of this machine can read them", fix, aside=str(pages))
    if is_built:
        return ok("pages", "built")
    if not is_here:
        return ok("pages", "not on this machine, as in the app's container")
    return warn("pages", "not built", "cd frontend && npm install && npm run build", aside=str(pages))


def check_disks(settings: Settings) -> list[Finding]:
    """Measure the free space where the service writes: its own database or PostgreSQL's, and its log."""
    places = {"disk of the data" if settings.is_embedded else "disk": settings.data_dir}
    if settings.log_file is not None:
        places["disk of the log"] = settings.log_file.parent
    if not settings.is_embedded and POSTGRES.is_dir():
        places["database disk"] = POSTGRES
    return [space_finding(name, shutil.disk_usage(_existing(place)).free) for name, place in places.items()]


def space_finding(name: str, free: int) -> Finding:
    """Report whether that many bytes are enough."""
    detail, fix = f"{free // MIB:,} MiB free", "free some space: du -xh / | sort -h | tail"
    if free < NO_SPACE:
        return fail(name, detail, fix)
    return warn(name, detail, fix) if free < LOW_SPACE else ok(name, detail)


def check_log_file(path: Path | None) -> Finding:
    """Check that this user can write the log file, without creating it."""
    name = "log file"
    if path is None:
        return ok(name, "none; events go to standard error")
    folder = _existing(path.parent)
    try:
        if path.exists():
            with path.open("ab"):
                pass
        elif not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            fix = f"install -d -m 750 -o focys -g focys {quote(str(path.parent))}"
            return fail(name, "its folder is not writable", fix, aside=str(folder))
    except OSError as fault:
        fix = f"chown focys: {quote(str(path))}"
        return fail(name, f"not writable ({fault.strerror})", fix, aside=str(path))
    return ok(name, "writable", aside=str(path))


def _lines() -> Finding:
    """Report lines of the settings file that systemd, which starts the service, reads differently."""
    file = settings_file()
    differing = (
        names_read_differently(file.read_text(encoding="utf-8")) if file and file.is_relative_to(DEPLOYED) else []
    )
    if not differing:
        return ok("settings", "all valid")
    detail = f"all valid, but systemd reads these differently: {', '.join(differing)}"
    return warn("settings", detail, f"put their values in single quotes, without a comment after them, {_where()}")


def _without_effect() -> list[Finding]:
    return [warn("setting name", sentence, f"correct it {_where()}") for sentence in names_without_effect()]


def _where() -> str:
    file = settings_file()
    if file == DEPLOYED / "focys.env":
        return f"in {file}, then: systemctl restart focys-backend"
    return "in the environment or in backend/.env"


def _public_url(settings: Settings) -> Finding:
    if settings.is_secure:
        return ok("public url", "cookies are sent over TLS only", aside=settings.public_url)
    return ok("public url", "local, cookies without TLS", aside=settings.public_url)


def _origins(settings: Settings) -> Finding:
    name, number = "cors origins", len(settings.cors_origins)
    if settings.is_local:
        return ok(name, f"{number} allowed; the service is local")
    hosts = [urlsplit(origin) for origin in settings.cors_origins]
    fix = "set CORS_ORIGINS to the https:// origins of your own pages, or to that of PUBLIC_URL"
    if any(parts.hostname in LOCAL_HOSTS for parts in hosts):
        return warn(name, "pages on people's own machines can call the API with their cookies", fix)
    if any(parts.scheme == "http" for parts in hosts):
        return warn(name, "pages without TLS can call the API", fix)
    return ok(name, f"{number} allowed, all over TLS")


def _proxies(settings: Settings) -> Finding:
    name, fix = "proxies", _NAME_THE_PROXY
    hops = settings.trusted_proxy_hops
    if hops is None and any(network.prefixlen == 0 for network in settings.trusted_proxies):
        return warn(name, "every client is trusted to state its own address", fix)
    if settings.trusted_proxies:
        limit = "" if hops is None else f", up to {hops} in a row"
        number = len(settings.trusted_proxies)
        networks = "1 network" if number == 1 else f"{number} networks"
        return ok(name, f"{networks} trusted to state a client's address{limit}")
    if settings.is_secure:
        return warn(name, "none trusted: behind a proxy all visitors share one address, and one limit", fix)
    return ok(name, "none, and none needed")


def _app_name(settings: Settings) -> Finding:
    if settings.app_name == DEFAULT_NAME and not settings.is_local:
        return warn("app name", "authenticator apps will show FOCYS", "set APP_NAME to your service's name")
    return ok("app name", "set" if settings.app_name != DEFAULT_NAME else "the default")


def _is_open(path: Path) -> bool:
    """Tell whether users other than owner and group may read the path. One that we cannot see is closed to us, too."""
    try:
        return bool(path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH))
    except OSError:
        return False


def _existing(path: Path) -> Path:
    """Return *path*, or its nearest parent that exists."""
    return next(place for place in (path, *path.absolute().parents) if place.exists())
