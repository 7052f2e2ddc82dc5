"""A PostgreSQL database for a program that is not Python: prints its URL, and lasts until standard input ends.

python -m tests.support.postgres
"""

import sys
from uuid import uuid4

from tests.cluster import running_postgres


def main() -> None:
    """Lend a fresh database."""
    with running_postgres() as cluster:
        name = f"journeys_{uuid4().hex[:12]}"
        print(cluster.create_database(name), flush=True)  # noqa: T201  its answer
        try:
            sys.stdin.read()
        finally:
            cluster.drop_database(name)


if __name__ == "__main__":
    main()
