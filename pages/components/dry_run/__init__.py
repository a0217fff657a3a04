"""A dry run on a page: what is scored, and what was found."""
