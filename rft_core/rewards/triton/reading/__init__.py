"""The static rules: what a Triton program may hold, seen from its syntax tree alone."""
