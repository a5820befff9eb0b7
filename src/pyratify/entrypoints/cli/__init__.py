"""The command `ratify`."""

import sys

from pyratify.terminal import exits

TYPE_CHECKING = False  # `ratify --version` must not pay for typing
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyratify.core.errors import RatifyError
    from pyratify.terminal.console import Console

_WHERE = "Correct it in the file or flag that the message names."
_MAX_FAULTS = 1000  # a file of references may have millions of lines
_VERSION = (("--version",),)


def main(arguments: "Sequence[str] | None" = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: The command line without the program's name; the process's own when omitted.
    """
    # A caller in Python keeps its own warnings and collector; only the process of the command is tuned.
    if arguments is not None:
        return _guarded(tuple(arguments))
    import gc
    import warnings

    if not sys.warnoptions:  # warnings of libraries are for developers
        warnings.simplefilter("ignore")
    # A run of a fraction of a second spends a tenth of it in the garbage collector, which frees nothing.
    gc.set_threshold(20_000, 50, 50)
    # Modules are imported in a thread while the registry answers: the loop must not wait 5 ms to send the next request.
    sys.setswitchinterval(0.0005)
    code = _guarded(tuple(sys.argv[1:]))
    # The collection at the interpreter's end would walk every object once more.
    gc.freeze()
    return code


def _guarded(given: tuple[str, ...]) -> int:
    try:
        from pyratify.terminal.console import Console

        console = Console()
        try:
            return _closed(given, console)
        except KeyboardInterrupt:
            console.abandon()
            console.note("interrupted: what is not printed was not decided")
            return exits.INTERRUPTED
    except KeyboardInterrupt:  # before the console exists
        return exits.INTERRUPTED


def _closed(given: tuple[str, ...], console: "Console") -> int:
    from pyratify.terminal.console import OutputFailed

    try:
        # Before the parser is built: argparse alone costs 6 ms (decision 0001).
        code = _version(console) if given in _VERSION else _run(given, console)
        # Inside the try: what a buffer still holds may be what does not fit on the disk.
        console.close()
    except OutputFailed as error:
        console.abandon()
        console.note(str(error))
        return exits.UNDECIDED
    return code


def _version(console: "Console") -> int:
    from pyratify.entrypoints.cli.commands.version import run

    return run(None, console)


def _run(given: tuple[str, ...], console: "Console") -> int:
    from pyratify.core.errors import RatifyError
    from pyratify.entrypoints.cli.dispatch import dispatch
    from pyratify.terminal.console import OutputFailed

    # From the raw words: the error may be that they cannot be parsed.
    debug = "--debug" in given
    try:
        return dispatch(given, console)
    except OutputFailed:
        raise
    except RatifyError as error:
        _explain(error, console, debug=debug)
        # ConfigurationError and InvalidReference are ValueErrors; the rest is a registry's or an artifact's.
        return exits.USAGE if isinstance(error, ValueError) else exits.UNDECIDED
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user; the end is a refusal
        remedy = "This is a defect of pyratify: run again with --debug and report it."
        console.fault(f"unexpected {type(error).__name__}: {error}", remedy, debug=debug)
        return exits.UNDECIDED


def _explain(error: "RatifyError", console: "Console", *, debug: bool) -> None:
    from pyratify.core.errors import InvalidReference
    from pyratify.core.reason import Reason

    faults = getattr(error, "faults", ())
    for each in faults[:_MAX_FAULTS]:
        console.note(each.message)
    if 0 < len(faults) <= _MAX_FAULTS:
        console.note(f"what to do: {error.remedy}")
        return
    # `ratify explain` has no more to say about a reference than the message has.
    code = "" if isinstance(error, InvalidReference) else f" [{error.reason}]"
    # The code's general remedy speaks of a configuration, and this error may be about a flag.
    remedy = _WHERE if error.remedy == Reason.CONFIG_INVALID.remedy else error.remedy
    console.fault(f"{error.message}{code}", remedy, debug=debug)
