"""The guide's helpers, for interactive use; the service never imports them."""
