"""How much memory processes take."""

import contextlib
import re
from pathlib import Path

from tests.cluster import children_of


def memory_of(pid: int) -> int:
    """Return the bytes that a process and all it has started hold, each shared page counted once."""
    total = 0
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        share = re.search(r"^Pss: +([0-9]+) kB$", Path(f"/proc/{pid}/smaps_rollup").read_text(), flags=re.MULTILINE)
        total = 1024 * int(share[1]) if share else 0
    return total + sum(memory_of(child) for child in children_of(pid))
