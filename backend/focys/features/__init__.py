"""One folder per capability, entered by its front door only; tiers point down and neighbours are strangers."""
