"""`python -m rft_core`: the command line."""

import sys

from rft_core.cli.app import main

sys.exit(main())
