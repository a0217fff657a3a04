"""A run's record again, in columns, for reading a long one: `columns.db` beside `run.db`."""
