"""The command line, over the same services as the HTTP calls: ``focys serve``, ``focys users …``, ``focys migrate``."""

from focys.cli.root import main

__all__ = ["main"]
