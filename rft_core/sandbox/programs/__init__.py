"""Our programs beside a candidate, in its jailed process: read as text, imported by nobody."""
