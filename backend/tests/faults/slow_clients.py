"""Clients that hold connections and say next to nothing, as a program: `slow_clients.py PORT NAME NUMBER [CA-FILE]`.

A quarter each drips the head of a request, drips its body, leaves it out, or says nothing at all. Who is cut
comes back at once. Answers each line on its standard input with what has become of them so far, and ends with it.
"""

import asyncio
import contextlib
import json
import resource
import ssl
import sys
from dataclasses import asdict, dataclass, field
from time import monotonic

DRIP_SECONDS = 2.0
PER_SOURCE = 20
AT_ONCE = 40


@dataclass
class Toll:
    """What became of them. Seconds are those from a connection's beginning until the server cut it."""

    held: int = 0
    most: int = 0
    refused: int = 0
    cut: dict[str, list[float]] = field(default_factory=dict)


class Crowd:
    """All of them."""

    def __init__(self, port: int, name: str, authority: str | None) -> None:
        self._port, self._name = port, name
        self._tls = ssl.create_default_context(cafile=authority) if authority else None
        self._opening = asyncio.Semaphore(AT_ONCE)
        self.toll = Toll()
        head = f"POST /api/auth/login HTTP/1.1\r\nHost: {name}\r\nContent-Type: application/json\r\n"
        self._kinds = {
            "dripping head": (head, "x"),
            "dripping body": (f"{head}Content-Length: 9000\r\n\r\n", "{"),
            "no body": (f"{head}Content-Length: 9000\r\n\r\n", ""),
            "half open": ("", ""),
        }

    async def hold(self, number: int) -> None:
        """Be one of them, again and again."""
        kind = list(self._kinds)[number % len(self._kinds)]
        source = f"127.1.{number // PER_SOURCE // 250}.{number // PER_SOURCE % 250 + 1}"
        while True:
            try:
                async with self._opening:
                    began = monotonic()
                    tls = None if kind == "half open" else self._tls
                    reader, writer = await asyncio.open_connection(
                        "127.0.0.1",
                        self._port,
                        local_addr=(source, 0),
                        ssl=tls,
                        server_hostname=self._name if tls else None,
                    )
            except OSError:
                self.toll.refused += 1
                await asyncio.sleep(0.5)
                continue
            self.toll.held += 1
            self.toll.most = max(self.toll.most, self.toll.held)
            try:
                await self._dawdle(kind, reader, writer)
                self.toll.cut.setdefault(kind, []).append(round(monotonic() - began, 2))
            finally:
                self.toll.held -= 1
                writer.transport.abort()

    async def _dawdle(self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say a little now and then, until the server has had enough."""
        beginning, drop = self._kinds[kind]
        with contextlib.suppress(OSError):
            writer.write(beginning.encode())
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(DRIP_SECONDS):
                        await reader.read()
                        return
                writer.write(drop.encode())


async def main(port: int, name: str, number: int, authority: str | None) -> None:
    """Hold them until nobody listens any more."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = Crowd(port, name, authority)
    holding = [asyncio.create_task(crowd.hold(i)) for i in range(number)]
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while await orders.readline():
        print(json.dumps(asdict(crowd.toll)), flush=True)  # noqa: T201  its response
    for task in holding:
        task.cancel()
    await asyncio.gather(*holding, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4] if sys.argv[4:] else None))
