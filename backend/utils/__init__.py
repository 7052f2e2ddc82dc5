"""The guide's helpers, for people at a prompt; the service never imports them."""
