"""Replacing SECRET_KEY in its file. Every step can be interrupted, and everything can be repeated."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from focys.settings import KeyFiles, keys_in, new_key


def replace_key(files: KeyFiles) -> bool:
    """Write a new key, after storing the one in use as its predecessor; do nothing if a predecessor is still there.

    Returns whether there is a new key.
    """
    with _alone(files.current.parent):
        if former_keys_in(files):
            return False
        # This order: at every moment, the key in use is in one of the files.
        _write(files.former, _key_in(files), like=files.current)
        _write(files.current, new_key(), like=files.current)
        return True


def former_keys_in(files: KeyFiles) -> list[str]:
    """Return the predecessors of the key; the key itself is also there if its replacement was interrupted."""
    if not files.former.exists():
        return []
    return [key for key in keys_in(files.former.read_text(encoding="utf-8")) if key != _key_in(files)]


def forget_former_keys(files: KeyFiles) -> None:
    """Delete the predecessors of the key."""
    with _alone(files.current.parent):
        if files.former.exists():
            # Empty, because a setting may name the file.
            _write(files.former, "", like=files.current)


def _key_in(files: KeyFiles) -> str:
    return files.current.read_text(encoding="utf-8").strip()


def _write(path: Path, text: str, *, like: Path) -> None:
    """Replace the file in one step, with the owner and the permissions of another one."""
    model, draft = like.stat(), path.with_name(f".{path.name}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
        os.fchown(file.fileno(), model.st_uid, model.st_gid)
        os.fchmod(file.fileno(), model.st_mode & 0o777)
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Have the names in the folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for anyone else who is changing these files."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
