"""`python -m pyratify` is `ratify`."""

import os
import sys

# Python puts the current folder, which may be a stranger's checkout, before everything that is installed: a module
# or the entry point of a plugin in it would be imported. The console script has no such entry.
if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:  # noqa: PTH109 - pathlib would be imported from there
    del sys.path[0]

from pyratify.entrypoints.cli import main

if __name__ == "__main__":
    sys.exit(main())
