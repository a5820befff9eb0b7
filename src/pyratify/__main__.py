"""`python -m pyratify` is `ratify`."""

import sys

from pyratify.entrypoints.cli import main

sys.exit(main())
