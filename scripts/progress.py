"""What a person sees while things are installed: one line per step, with the time it took.

On a terminal a live line shows what runs right now; elsewhere, as in CI, there are only whole lines.
"""

import contextlib
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

TAIL_LINES = 20
TICK_SECONDS = 0.1
GRACE_SECONDS = 1.0


class SetupError(Exception):
    """Why the setup cannot go on, in one sentence; *output* is the end of what a tool said."""

    def __init__(self, sentence: str, output: str = "") -> None:
        super().__init__(sentence)
        self.output = output


class Progress:
    """Shows the steps, of which several may run at once, and runs their tools."""

    def __init__(self) -> None:
        self._is_live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        has_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
        self._frames = itertools.cycle("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" if has_unicode else "|/-\\")
        self._done, self._failed, self._between = ("✓", "✗", " · ") if has_unicode else ("ok", "failed:", ", ")
        self._running: dict[str, float] = {}
        self._tools: set[subprocess.Popen[str]] = set()
        self._stopped = False
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Keep the live line up to date inside the block."""
        over = threading.Event()
        painter = threading.Thread(target=self._paint, args=(over,), daemon=True)
        if self._is_live:
            painter.start()
        try:
            yield
        finally:
            over.set()
            if self._is_live:
                painter.join()
                self._write("")

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show step *name* as running inside the block, then as done or failed."""
        started = time.monotonic()
        self._running[name] = started
        if not self._is_live:
            self._write(f"{name} ...\n")
        mark = self._failed
        try:
            yield
            mark = self._done
        finally:
            del self._running[name]
            if not self._stopped or mark == self._done:
                self._write(f"{mark} {name} ({time.monotonic() - started:.1f} s)\n")

    def say(self, line: str) -> None:
        """Print one line of its own."""
        self._write(f"{line}\n")

    def run(self, command: Sequence[str | Path], *, cwd: Path, failing: str) -> None:
        """Run a tool silently; if it fails, raise SetupError with *failing* and the tool's last lines."""
        with self._lock:
            if self._stopped:
                raise SetupError(failing)
            tool = subprocess.Popen(
                command,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
            self._tools.add(tool)
        output, _ = tool.communicate()
        self._tools.discard(tool)
        if tool.returncode != 0:
            raise SetupError(failing, "\n".join(output.strip().splitlines()[-TAIL_LINES:]))

    def stop(self) -> None:
        """End the tools that still run: what they do is of no use any more."""
        with self._lock:
            self._stopped = True
            tools = list(self._tools)
        for tool in tools:
            tool.terminate()
        for tool in tools:
            try:
                tool.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                tool.kill()  # npm would first finish what it does

    def _paint(self, over: threading.Event) -> None:
        while not over.wait(TICK_SECONDS):
            now = time.monotonic()
            parts = [f"{name} {now - started:.0f} s" for name, started in list(self._running.items())]
            if parts:
                self._write(f"{next(self._frames)} {self._between.join(parts)}")

    def _write(self, text: str) -> None:
        sys.stdout.write(f"\r\033[K{text}" if self._is_live else text)
        sys.stdout.flush()
