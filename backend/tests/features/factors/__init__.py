"""Second factors of any kind."""
