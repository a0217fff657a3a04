"""Charts: live ones, and figures drawn once."""
