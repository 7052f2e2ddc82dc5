"""The backend as the unit starts it, for tests that want it on a database and with settings of their own."""

from pathlib import Path

from tests.conftest import SECRET_KEY
from tests.deploy.shipped import unit_command, unit_environment
from tests.support.processes import Server, copy_backend, environment, free_port


def service_in(
    folder: Path, database_url: str, *, workers: int = 4, worker_timeout: int = 30, **settings: str
) -> Server:
    """Return it, not started yet; everything it writes goes to *folder*."""
    backend, port = copy_backend(folder), free_port()
    env = environment(
        backend,
        **unit_environment(folder),
        **{"SECRET_KEY": SECRET_KEY, "PUBLIC_URL": "http://127.0.0.1:8000", "DATABASE_URL": database_url, **settings},
    )
    command = unit_command(folder, port=port)
    command = command.replace("-w 4", f"-w {workers}").replace("--timeout 30", f"--timeout {worker_timeout}")
    return Server(command, port=port, folder=backend, env=env, log=folder / "gunicorn.output")
