"""Errors at startup, in one sentence."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class StartupErrors:
    """Reports an error at startup in one sentence, without a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, but only the last line of a failed startup."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failed = False

        async def send_last_line(message: Message) -> None:
            nonlocal failed
            if message["type"] == "lifespan.startup.failed":
                failed = True
                message = {**message, "message": message["message"].strip().rpartition("\n")[2].partition(": ")[2]}
            await send(message)

        try:
            await self._app(scope, receive, send_last_line)
        except Exception:
            if not failed:
                raise
