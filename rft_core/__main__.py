"""`python -m rft_core`: the command line."""

import sys

from rft_core.cli.app import main
from rft_core.paths import keep_files_private

keep_files_private()
sys.exit(main())
