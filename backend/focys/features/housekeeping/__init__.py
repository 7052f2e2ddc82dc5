"""Forgets what no longer matters, once an hour: rows that are over and can decide nothing any more."""

from focys.features.housekeeping.service import Housekeeping

__all__ = ["Housekeeping"]
