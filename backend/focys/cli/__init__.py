"""The command line, over the same services as the HTTP calls: ``focys serve``, ``focys users …``, ``focys doctor``."""

from focys.cli.root import main

__all__ = ["main"]
