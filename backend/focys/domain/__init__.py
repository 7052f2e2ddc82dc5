"""What FOCYS decides, as pure functions: no input or output, no clock, time is a parameter."""
