"""The whole deployment on this machine: PostgreSQL, Valkey, gunicorn by the unit's own command, the shipped site."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

import httpx
import pytest

from focys.services import build_services
from tests.cluster import Cluster
from tests.conftest import settings_for
from tests.deploy.front import Front, posting, running_nginx
from tests.deploy.prometheus import Prometheus, running_prometheus
from tests.deploy.stack import Stack, running_stack
from tests.support import hash_costs
from tests.support.processes import Server, free_port
from tests.support.walk import enroll
from tests.support.workers import Workers, code_of, wrong_codes


@pytest.fixture(scope="session")
def deployed_database(cluster: Cluster, postgres_template: str) -> Iterator[str]:
    name = "deployed"
    yield cluster.create_database(name, template=postgres_template)
    cluster.drop_database(name)


@pytest.fixture(scope="session")
def stack(deployed_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All of it, as the unit and the shipped site have it."""
    with running_stack(tmp_path_factory.mktemp("stack"), deployed_database) as running:
        yield running


@pytest.fixture(scope="session")
def gunicorn(stack: Stack) -> Server:
    """The backend as the unit starts it."""
    return stack.gunicorn


@pytest.fixture(scope="session")
def front(stack: Stack) -> Front:
    """The shipped site in front of it."""
    return stack.front


@pytest.fixture(scope="session")
def lone_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The shipped site with no backend behind it, in which X-Test-Address says where a request comes from."""
    from_header = "set_real_ip_from 127.0.0.1; real_ip_header X-Test-Address;"
    folder = tmp_path_factory.mktemp("lone-nginx")
    with running_nginx(folder, backend_port=free_port(), more=from_header) as running:
        yield running


@pytest.fixture
def client(front: Front) -> Iterator[httpx.Client]:
    with front.client() as opened:
        yield opened


@pytest.fixture
async def workers(gunicorn: Server, deployed_database: str) -> AsyncIterator[Workers]:
    """What a test needs to make accounts and to read the mailed code."""
    running = Workers([gunicorn], build_services(settings_for(deployed_database, **hash_costs.FULL)))
    yield running
    await running.close()


@pytest.fixture(scope="session")
def watching(gunicorn: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus, which has seen FOCYS and the host."""
    folder = tmp_path_factory.mktemp("prometheus")
    with running_prometheus(folder, focys_port=gunicorn.port) as running:
        running.wait_until(lambda: len(running.ask("query", query="up == 1")["result"]) == 2, "FOCYS and the host")
        running.wait_until(lambda: all(rule["health"] == "ok" for rule in running.rules()), "its rules")
        yield running


@pytest.fixture
async def used(workers: Workers, front: Front, watching: Prometheus) -> Prometheus:
    """As it is once somebody has signed in for the first time and for the second."""
    account = await workers.an_account()
    with front.client("127.0.0.31") as browser:
        post = posting(browser)
        await enroll(post, account, partial(workers.mailed_code, account))
        await post("/auth/login", {"email": account.email, "password": account.password})
        wrong = await post("/auth/totp/verify", {"code": wrong_codes(account, 1)[0]})
        done = await post("/auth/totp/verify", {"code": code_of(account, 1)})
    assert (wrong.json()["code"], done.json()["step"]) == ("invalid_code", "done")
    route = 'focys_request_seconds_count{route="/auth/totp/verify",status="200"}'
    watching.wait_until(lambda: watching.series(route), "the sign-in")
    return watching
