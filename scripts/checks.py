"""What the machine must have, each looked at before anything is installed."""

import errno
import importlib.util
import re
import shutil
import socket
import subprocess

from progress import SetupError

OLDEST_NODE = 20
SUPPORTED_NODE = 22
HIGHEST_PORT = 65535


def port_is_free(port: str, *, can_choose: bool) -> None:
    """Raise SetupError unless a server can listen on *port* of this machine."""
    if not port.isdecimal() or not 0 < int(port) <= HIGHEST_PORT:
        raise SetupError(f"PORT must be a number from 1 to {HIGHEST_PORT}, and {port!r} is not.")
    other = f", or choose another: make run PORT={8000 if port != '8000' else 8001}" if can_choose else ""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        problem = _why_not_listen(family, host, int(port))
        if problem == errno.EADDRINUSE:
            raise SetupError(f"Port {port} is taken by another program: stop that first{other}.")
        if problem == errno.EACCES:
            raise SetupError(f"Port {port} is reserved for the system's services{other}.")


def _why_not_listen(family: socket.AddressFamily, host: str, port: int) -> int | None:
    try:
        with socket.socket(family) as probe:
            # As the server itself does, so that a connection that is just going away does not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error.errno
    return None


def python_can_make_environments() -> None:
    """Raise SetupError where Python's venv module was taken out, as Debian does."""
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise SetupError("Python's venv module is missing: install it (Debian, Ubuntu: apt install python3-venv).")


def node_is_new_enough() -> str:
    """Return Node's version such as `v22.20.0`; raise SetupError if it, or npm, is missing or too old.

    Node 20 still builds the pages, so it only gets a warning.
    """
    wanted = f"FOCYS needs Node.js {SUPPORTED_NODE} or newer to build its pages"
    node = shutil.which("node")
    if node is None:
        raise SetupError(f"{wanted}, and there is no `node` here: please install it.")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    found = re.match(r"v(\d+)\.", version)
    if found is None or int(found[1]) < OLDEST_NODE:
        raise SetupError(f"{wanted}, and this is {version or 'one that does not start'}: please install a newer one.")
    if int(found[1]) < SUPPORTED_NODE:
        print(
            f"! Node.js {version} no longer gets security fixes: please install {SUPPORTED_NODE} or newer.", flush=True
        )
    if shutil.which("npm") is None:
        raise SetupError("FOCYS needs npm, which comes with Node.js, and there is no `npm` here: please install it.")
    return version
