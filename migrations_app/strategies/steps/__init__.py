"""One step per file; a strategy is a tuple of them."""
