"""FOCYS: a login service for your own app."""

__version__ = "0.1.0"
