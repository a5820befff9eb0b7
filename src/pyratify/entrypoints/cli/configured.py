"""An engine from a configuration file."""

from argparse import Namespace
from contextlib import AbstractAsyncContextManager

from pyratify.entrypoints.cli.console import Console
from pyratify.entrypoints.cli.session import Session


def configured_session(arguments: Namespace, console: Console) -> AbstractAsyncContextManager[Session]:
    """Open a session with the engine that the configuration describes.

    Raises:
        ConfigurationError: There is none, or it has a fault.
    """
    raise NotImplementedError(arguments, console)
