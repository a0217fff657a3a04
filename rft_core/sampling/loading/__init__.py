"""Models on their way into memory: found, downloaded, tried, imported, loaded."""
