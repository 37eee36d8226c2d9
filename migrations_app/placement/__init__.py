"""Pure thought about where containers should live: fleet in, proposal out. Knows no Django and no node."""
