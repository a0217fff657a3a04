"""Grading programs: by unit tests, by what they print, by the answer they compute."""
