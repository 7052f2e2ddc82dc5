"""The environment in which the project's tools run, the same whatever the caller's shell has set."""

import os

from places import NODE_BIN, VENV_BIN

# What belongs to the machine and the person. All else stays outside, first of all the settings of FOCYS.
KEPT = {
    *("HOME", "USER", "LOGNAME", "SHELL", "TERM", "COLUMNS", "LINES", "DISPLAY", "TZ", "LANG", "LANGUAGE"),
    *("TMPDIR", "TMP", "TEMP", "CI", "NO_COLOR", "FORCE_COLOR", "CHROMIUM"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    *("TEST_DATABASE_URL", "TEST_POSTGRES_BIN", "PIP_AUDIT_OSV_URL"),
}
KEPT_PREFIXES = ("LC_", "XDG_", "npm_config_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


def clean_environment() -> dict[str, str]:
    """Return the environment for a tool: what is kept of the caller's, and our programs first on the PATH."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or name.startswith(KEPT_PREFIXES) or name.upper().startswith(KEPT_PREFIXES)
    }
    path = os.pathsep.join([str(VENV_BIN), str(NODE_BIN), os.environ.get("PATH", os.defpath)])
    return {**kept, "PATH": path}
