"""Keep the pages' API types equal to the app: `schema.py write|check`."""

import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import clean_environment
from places import FRONTEND, ROOT

API = FRONTEND / "openapi.json"
TYPES = FRONTEND / "src" / "lib" / "schema.ts"
SHOWN_LINES = 40


def main(act: str) -> int:
    """Write both files, or compare them with what would be written; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        api, types = Path(folder, API.name), Path(folder, TYPES.name)
        api.write_bytes(_output_of("focys", "openapi"))
        _output_of("openapi-typescript", str(api), "-o", str(types))
        if act == "write":
            API.write_bytes(api.read_bytes())
            TYPES.write_bytes(types.read_bytes())
            return 0
        differing = [ours for ours, fresh in ((API, api), (TYPES, types)) if _differ(ours, fresh)]
    if differing:
        names = " and ".join(str(file.relative_to(ROOT)) for file in differing)
        print(f"\n{names}: not what the app says now. Run `make schema` and commit the result.")
        return 1
    print("The pages' types are the app's.")
    return 0


def _output_of(*command: str) -> bytes:
    done = subprocess.run(command, cwd=FRONTEND, env=clean_environment(), stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"`{command[0]}` failed with exit code {done.returncode}; its own words are above.")
    return done.stdout


def _differ(ours: Path, fresh: Path) -> bool:
    before = ours.read_text().splitlines() if ours.exists() else []
    difference = difflib.unified_diff(before, fresh.read_text().splitlines(), "committed", "the app", lineterm="")
    lines = list(difference)
    print("\n".join(lines[:SHOWN_LINES]), end="\n" if lines else "")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
