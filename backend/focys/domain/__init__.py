"""The rules of FOCYS as pure functions: no I/O and no clock; the time is a parameter."""
