"""A run's report: one HTML file that needs nothing else, to be sent, opened and printed."""
