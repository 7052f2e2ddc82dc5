"""How property tests run: the same examples every time, and no deadline that a busy machine could miss."""

from hypothesis import settings

always = settings(max_examples=100, derandomize=True, deadline=None, database=None)
