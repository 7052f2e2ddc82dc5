"""PostgreSQL databases for a program that is not Python.

    python -m tests.support.postgres

Answers each line on standard input with the URL of a fresh database; all are gone when standard input ends.
"""

import sys
from uuid import uuid4

from tests.cluster import running_postgres


def main() -> None:
    """Lend databases until nobody asks any more."""
    with running_postgres() as cluster:
        lent: list[str] = []
        try:
            for _ in sys.stdin:
                lent.append(f"journeys_{uuid4().hex[:12]}")
                print(cluster.create_database(lent[-1]), flush=True)  # noqa: T201  its response
        finally:
            for name in lent:
                cluster.drop_database(name)


if __name__ == "__main__":
    main()
