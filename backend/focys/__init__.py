"""FOCYS: a login service that a team puts in front of its own app."""

__version__ = "0.1.0"
