"""Which names point to an address, what would change if it became another one, and changing it safely."""
