"""What touches the world: database, clock, mail, keys, logs, HTTP's edges."""
