"""What a person sees while things are installed: a line when a step begins, and one with the time it took."""

import contextlib
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

TAIL_LINES = 20

_running: list[subprocess.Popen[str]] = []


class SetupError(Exception):
    """Why the setup cannot go on, in one sentence; *output* is the end of what a tool printed."""

    def __init__(self, sentence: str, output: str = "") -> None:
        super().__init__(sentence)
        self.output = output


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Show step *name* as running inside the block, then as done or failed."""
    started = time.monotonic()
    print(f"{name} ...", flush=True)
    mark = "✗"
    try:
        yield
        mark = "✓"
    finally:
        print(f"{mark} {name} ({time.monotonic() - started:.1f} s)", flush=True)


def run(command: Sequence[str | Path], *, cwd: Path, failing: str) -> None:
    """Run a tool silently; if it fails, raise SetupError with *failing* and the tool's last lines."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as tool:
        _running.append(tool)
        output, _ = tool.communicate()
        _running.remove(tool)
    if tool.returncode != 0:
        raise SetupError(failing, "\n".join(output.strip().splitlines()[-TAIL_LINES:]))


def kill_tools() -> None:
    """End the tools that still run; npm would first finish what it does."""
    for tool in _running.copy():
        tool.kill()
