"""What is to be said of a run on a page: its preflight, its findings, and the ways out."""
