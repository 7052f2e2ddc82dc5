"""TOTP programs that are not ours. Each takes a Base32 secret and a counter, and answers with six digits."""

import shutil
import subprocess
from collections.abc import Callable

import mintotp
import pyotp

Independent = Callable[[str, int], str]


def by_pyotp(secret: str, counter: int) -> str:
    return pyotp.HOTP(secret).at(counter)


def by_mintotp(secret: str, counter: int) -> str:
    return str(mintotp.hotp(secret, counter))


def by_oathtool(secret: str, counter: int) -> str:
    command = ["oathtool", "--hotp", "--base32", f"--counter={counter}", secret]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


INDEPENDENTS: list[Independent] = [by_pyotp, by_mintotp, *([by_oathtool] if shutil.which("oathtool") else [])]
"""Two that are always there, and the third where it is installed."""
