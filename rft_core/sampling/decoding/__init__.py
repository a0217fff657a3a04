"""How rows of tokens are written: the loop, and what reads them for it."""
