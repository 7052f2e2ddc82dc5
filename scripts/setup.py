"""Make this folder ready: `setup.py run|dev|test [--port N]`. Called by make.

Any Python may run this file, so that one that is too old says so in a sentence; the work is in `steps.py`.
"""

import os
import subprocess
import sys

OLDEST = (3, 11)
NEWER_NAMES = ["python3.14", "python3.13", "python3.12", "python3.11"]


def main() -> None:
    if sys.version_info < OLDEST:
        for name in NEWER_NAMES:
            if is_good(name):
                os.execvp(name, [name] + sys.argv)
        have = ".".join(str(part) for part in sys.version_info[:3])
        sys.exit(
            "FOCYS needs Python 3.11 or newer, and the only one found here is %s: please install a newer one." % have
        )

    import steps

    sys.exit(steps.main(sys.argv[1:]))


def is_good(name: str) -> bool:
    # A name on the PATH proves nothing: version managers put stand-ins there for Pythons they do not have.
    probe = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        with open(os.devnull, "w") as nowhere:
            return subprocess.call([name, "-c", probe], stdout=nowhere, stderr=nowhere) == 0
    except OSError:
        return False


if __name__ == "__main__":
    main()
