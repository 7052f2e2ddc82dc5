"""Runs all benchmarks: `make bench`, or `python -m bench [--quick]`."""

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
    user_import,
)


def main() -> int:
    """Run all benchmarks; the exit code says whether they ran, not whether the targets were met."""
    measures = [
        totp.measure,
        qr.measure,
        totp_step.measure,
        session_check.measure,
        password_step.measure,
        refused_passwords.measure,
        user_import.measure,
        argon2_build.measure,
        deployment.measure,
        growth.measure,
    ]
    return report.run(measures, sys.argv[1:])
