"""Deletes, once an hour, the rows that have expired and can no longer affect a decision."""

from focys.features.housekeeping.service import Housekeeping

__all__ = ["Housekeeping"]
