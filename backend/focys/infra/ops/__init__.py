"""Operations: logs, metrics, the clock and periodic work."""
