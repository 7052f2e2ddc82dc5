"""What the operator sees, and time: logs, metrics, the clock, periodic work."""
