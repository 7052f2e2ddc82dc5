"""The benchmarks still run. What they find is for a quiet machine to say, but for what no load can change."""

import subprocess
import sys

import pytest

from focys.settings import BACKEND


@pytest.mark.timeout(300)
def test_a_smoke_run_tries_everything_and_counts_two_round_trips_a_step():
    """The round trips that design section 3 promises."""
    command = [sys.executable, "-m", "bench", "--quick"]

    done = subprocess.run(command, cwd=BACKEND.parent, capture_output=True, text=True, timeout=240, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    titles = ("TOTP verification", "QR code", "TOTP step", "Session check", "Password step", "Refused passwords")
    for title in (*titles, "User import", "Password step, Argon2 built for the CPU", "Deployment", "Growth"):
        assert f"\n{title}\n" in done.stdout
    [ours] = [line for line in done.stdout.splitlines() if "FOCYS TOTP step" in line and "p50" in line]
    assert ours.endswith("2 round trips to the database")


def test_an_unknown_option_is_refused_in_one_sentence():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--fast"], cwd=BACKEND.parent, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.strip() == "Unknown option: --fast. The only option is --quick."
