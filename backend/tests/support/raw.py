"""Requests that no client library would send, straight to the application."""

import asyncio
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx


async def raw_request(
    app: Any,
    path: str,
    *,
    method: str = "GET",
    host: bytes | None = b"localhost:8000",
    headers: list[tuple[bytes, bytes]] | None = None,
    chunks: list[bytes] | None = None,
    seconds: float = 0,
) -> httpx.Response:
    """Send a request as it stands: no path is tidied, no header checked; the body comes in *chunks*, *seconds* apart."""
    name, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote_to_bytes(name).decode("utf-8", "replace"),
        "raw_path": name.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [*([(b"host", host)] if host is not None else []), *(headers or [])],
        "client": ("192.0.2.1", 40000),
        "server": ("127.0.0.1", 8000),
    }
    waiting = list(chunks or [b""])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not waiting:
            # The client waits for its response.
            await asyncio.Event().wait()
        await asyncio.sleep(seconds)
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return httpx.Response(start["status"], headers=start["headers"], content=body)
