"""The command `ratify`."""

import gc
import sys
from collections.abc import Sequence

from pyratify.entrypoints.cli import exits


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: The command line without the program's name; the process's own when omitted.
    """
    if arguments is not None:
        return _guarded(tuple(arguments))
    # A process that lives for a fraction of a second spends a tenth of it on collecting garbage that is none.
    gc.set_threshold(20_000, 50, 50)
    code = _guarded(tuple(sys.argv[1:]))
    gc.freeze()
    return code


def _guarded(given: tuple[str, ...]) -> int:
    from pyratify.entrypoints.cli.console import Console, OutputFailed

    console = Console()
    try:
        code = _run(given, console)
        console.close()
    except OutputFailed as error:
        console.abandon()
        console.note(str(error))
        return exits.UNDECIDED
    except KeyboardInterrupt:
        console.abandon()
        return exits.INTERRUPTED
    return code


def _run(given: tuple[str, ...], console: object) -> int:
    from pyratify.core.errors import InvalidReference, RatifyError
    from pyratify.entrypoints.cli.console import Console, OutputFailed
    from pyratify.entrypoints.cli.dispatch import dispatch

    if not isinstance(console, Console):
        raise TypeError("a console is needed")
    try:
        return dispatch(given, console)
    except OutputFailed:
        raise
    except RatifyError as error:
        kind = "" if isinstance(error, InvalidReference) else f" [{error.reason}]"
        console.fault(f"{error.message}{kind}", error.remedy, debug="--debug" in given)
        return exits.USAGE if isinstance(error, ValueError) else exits.UNDECIDED
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user; the end is a refusal
        remedy = "This is a defect of pyratify: run again with --debug and report it."
        console.fault(f"unexpected {type(error).__name__}: {error}", remedy, debug="--debug" in given)
        return exits.UNDECIDED
