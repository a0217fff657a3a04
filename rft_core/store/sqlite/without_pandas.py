"""sqlite_utils, loaded without pandas.

It looks for pandas only to know the types of its cells, which are never given to it here, and
pandas would take more of a command's start than all the rest. Everybody imports it from here.
"""

import sys

# Nobody may look for pandas meanwhile: the dashboard, which has threads, has it loaded already.
_hides = "pandas" not in sys.modules and "streamlit" not in sys.modules
if _hides:
    sys.modules["pandas"] = None  # type: ignore[assignment]
try:
    from sqlite_utils import Database, Migrations
finally:
    if _hides:
        del sys.modules["pandas"]

__all__ = ["Database", "Migrations"]
