"""Remembers of each step what it was last done with, so that it is done again only when that changed."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def fingerprint(*parts: str | Iterable[Path]) -> str:
    """Return one hash over texts and over the names and contents of files."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            total.update(f"{len(part)}:{part}".encode())
            continue
        for file in sorted(part):
            content = file.read_bytes()
            total.update(f"{file}:{len(content)}:".encode() + content)
    return total.hexdigest()


class Stamp:
    """One step's memory: the hash it last succeeded with, in a file that goes away with the step's result."""

    def __init__(self, file: Path, inputs: str, *results: Path) -> None:
        self._file = file
        self._inputs = inputs
        self._results = results

    @property
    def is_fresh(self) -> bool:
        """True if the step was done with the same inputs and its results are still there."""
        if not all(result.exists() for result in self._results):
            return False
        return self._file.exists() and self._file.read_text() == self._inputs

    def renew(self) -> None:
        """Remember that the step succeeded."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(self._inputs)

    def forget(self) -> None:
        """Forget it, before the step begins to change its results."""
        self._file.unlink(missing_ok=True)
