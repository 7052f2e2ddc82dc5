"""All benchmarks, side by side: `make bench`, or `python -m bench [--quick]`."""

import sys

from bench import (
    argon2_build,
    deployment,
    growth,
    password_step,
    qr,
    refused_passwords,
    report,
    session_check,
    totp,
    totp_step,
)


def main() -> int:
    """Run them; return the exit code, which says whether they ran and nothing about the figures."""
    measures = [
        totp.measure,
        qr.measure,
        totp_step.measure,
        session_check.measure,
        password_step.measure,
        refused_passwords.measure,
        argon2_build.measure,
        deployment.measure,
        growth.measure,
    ]
    return report.run(measures, sys.argv[1:])
