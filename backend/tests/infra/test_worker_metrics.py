"""The metrics of several workers are those of one service. When a worker exits, its counts stay, its files do not."""

import asyncio
import json
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict

from focys.cli.doctor.checks_service import check_service
from focys.cli.doctor.report import ok
from focys.infra.ops.metrics import Workers
from tests.conftest import SECRET_KEY
from tests.support.numbers import Numbers
from tests.support.processes import BACKEND, Server, copy_backend, environment, free_port, serving
from tests.support.waiting import until

NIGHTS, WORKERS, REQUESTS = 365, 4, 7
CALLS = 40

Exit = Callable[[int], None]


@pytest.fixture
def exits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exit:
    """Have a worker that has served seven requests exit, as gunicorn reports it to our configuration."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    child_exit = runpy.run_path(str(BACKEND / "gunicorn.conf.py"))["child_exit"]

    def exit_of(pid: int) -> None:
        for kind, suffix in (("counter", "_total"), ("gauge_livesum", "")):
            draft = tmp_path / f"{kind}_{pid}"
            file = MmapedDict(str(draft))  # type: ignore[no-untyped-call]
            name = f"focys_{kind}"
            file.write_value(json.dumps([name, f"{name}{suffix}", {"a": "b"}, ""]), float(REQUESTS), 0.0)  # type: ignore[no-untyped-call]
            file.close()  # type: ignore[no-untyped-call]
            draft.rename(f"{draft}.db")
        child_exit(None, SimpleNamespace(pid=pid))

    return exit_of


def scraped(folder: Path) -> Numbers:
    registry = CollectorRegistry()
    registry.register(Workers(folder))
    return Numbers(generate_latest(registry).decode())


def test_a_year_of_nightly_reloads_leaves_two_files(exits: Exit, tmp_path: Path):
    for pid in range(NIGHTS * WORKERS):
        exits(pid)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["counter_exited.db", "lock"]
    assert (tmp_path / "counter_exited.db").stat().st_size <= 1 << 16
    assert scraped(tmp_path).of("focys_counter_total", a="b") == NIGHTS * WORKERS * REQUESTS


def test_a_scrape_never_misses_a_count_or_finds_it_twice(exits: Exit, tmp_path: Path):
    def exit_all() -> None:
        for pid in range(1, 200):
            exits(pid)

    exits(0)
    exiting = Thread(target=exit_all)

    exiting.start()
    seen = []
    while exiting.is_alive():
        seen.append(scraped(tmp_path).of("focys_counter_total", a="b"))
    exiting.join()

    assert len(seen) > 5
    assert seen == sorted(seen)
    assert all(number % REQUESTS == 0 for number in seen)


@pytest.fixture
def service(sqlite_url: str, tmp_path: Path) -> Iterator[Server]:
    """Two workers whose metrics are in a folder."""
    backend, port = copy_backend(tmp_path), free_port()
    (tmp_path / "metrics").mkdir()
    settings = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"), "LOG_FILE": str(tmp_path / "backend.log")}
    env = environment(backend, DATABASE_URL=sqlite_url, SECRET_KEY=SECRET_KEY, **settings)
    command = f"gunicorn -w 2 -k uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port} main:app"
    server = Server(command, port=port, folder=backend, env=env, log=tmp_path / "output")
    with serving(server):
        yield server


def test_reloads_keep_the_counts_and_no_files(service: Server, tmp_path: Path):
    for _ in range(REQUESTS):
        httpx.get(f"{service.url}/health/live")

    for _ in range(3):
        service.reload()
        until_replaced(service, {*service.children()})
        service.wait()

    counted = Numbers(httpx.get(f"{service.url}/metrics").text)
    live = {"method": "GET", "route": "/health/live", "status": "200"}
    assert counted.of("focys_request_seconds_count", **live) == REQUESTS
    histograms = sorted(file.name for file in (tmp_path / "metrics").glob("histogram_*"))
    assert histograms == sorted([*(f"histogram_{pid}.db" for pid in service.children()), "histogram_exited.db"])


def until_replaced(service: Server, workers: set[int]) -> None:
    until(lambda: len(service.children()) == 2 and not workers & {*service.children()})


def test_workers_go_on_in_a_new_log_file_without_a_reload(service: Server, tmp_path: Path):
    """As logrotate does every night."""
    log = tmp_path / "backend.log"
    before = service.children()
    (tmp_path / "backend.log").rename(tmp_path / "backend.log.1")
    log.touch(mode=0o640)

    until(
        lambda: httpx.post(f"{service.url}/auth/login", json={"email": "n@x.org", "password": "x"}) and log.read_text()
    )

    assert "password refused" in log.read_text()
    assert service.children() == before


@pytest.fixture(params=["metrics", ""])
def four_workers(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> Iterator[Server]:
    """The service as the guide starts it, with a folder for the numbers of its workers, and without."""
    backend, port = copy_backend(tmp_path), free_port()
    settings = {"DATABASE_URL": sqlite_url, "SECRET_KEY": SECRET_KEY, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    if request.param:
        (tmp_path / request.param).mkdir()
        settings["PROMETHEUS_MULTIPROC_DIR"] = str(tmp_path / request.param)
    env = environment(backend, **settings)
    command = f"gunicorn -w {WORKERS} -k uvicorn.workers.UvicornWorker --bind 127.0.0.1:{port} main:app"
    server = Server(command, port=port, folder=backend, env=env, log=tmp_path / "output")
    with serving(server):
        yield server


def test_the_metrics_of_all_workers_add_up(four_workers: Server, tmp_path: Path):
    live_requests = {"method": "GET", "route": "/health/live", "status": "200"}

    for _ in range(CALLS):
        # A connection each, so that every worker has its share.
        assert httpx.get(f"{four_workers.url}/health/live").status_code == 200
    scrapes = [Numbers(httpx.get(f"{four_workers.url}/metrics").text) for _ in range(6)]

    assert [numbers.of("focys_request_seconds_count", **live_requests) for numbers in scrapes] == [CALLS] * 6
    assert scrapes[-1].of("focys_argon2_waiting") == 0
    assert not any("pid" in sample.labels for numbers in scrapes for sample in numbers.samples)
    assert len(list(tmp_path.glob("*metrics*/histogram_*.db"))) == WORKERS
    [told, _] = asyncio.run(check_service(four_workers.url, is_local=False))
    assert told == ok("workers", "4 running, and /metrics adds them up")
    four_workers.stop()
    assert [*tmp_path.glob("focys_metrics_*")] == []
