"""What a long run comes to, read from a few of its rows: enough to draw, whatever its length."""
