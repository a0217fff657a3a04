"""Graders of structured text: JSON, SQL, configuration."""
