"""SQLite: one index database for the folder, one database per run. See `index.py` and `run_store.py`."""
