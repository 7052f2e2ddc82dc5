"""Remembers what each step was last done with, so that it is done again only when that changed."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def fingerprint(files: Iterable[Path]) -> str:
    """Return one hash over the names and contents of files."""
    hashes = [f"{file}:{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in sorted(files)]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


class Stamp:
    """The inputs that a step last succeeded with, in a file that goes away with the step's result."""

    def __init__(self, file: Path, inputs: str, *results: Path) -> None:
        self._file = file
        self._inputs = inputs
        self._results = results

    @property
    def is_fresh(self) -> bool:
        """True if the step was done with the same inputs and its results are still there."""
        return all(path.exists() for path in (*self._results, self._file)) and self._file.read_text() == self._inputs

    def renew(self) -> None:
        """Remember that the step succeeded."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(self._inputs)

    def forget(self) -> None:
        """Forget it, before the step begins to change its results."""
        self._file.unlink(missing_ok=True)
