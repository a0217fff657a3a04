"""SQLite: one index database for the folder (`index.py`), one per run (`run_writer.py`)."""
