"""Keys, hashes, encryption and tokens."""
