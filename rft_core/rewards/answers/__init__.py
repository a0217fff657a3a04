"""Graders of answers: find the final one in a completion, and compare it with the row's gold."""
