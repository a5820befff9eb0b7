"""The output of commands: results to standard output, everything else to standard error."""

import os
import sys

TYPE_CHECKING = False  # importing typing costs more than the rest of this module
if TYPE_CHECKING:
    from typing import TextIO


class OutputFailed(Exception):
    """The results could not be written: a full disk, or a closed standard output."""


class Console:
    """Standard output and standard error of one run."""

    def __init__(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:  # None for a closed descriptor; a StringIO has none
                # A locale may not encode every name: escapes, and no exception after the verdict.
                reconfigure(errors="backslashreplace")
        self._progress = False

    @property
    def color(self) -> bool:
        """Whether results are colored: on a terminal, or where FORCE_COLOR asks for it, and never with NO_COLOR.

        See https://no-color.org and https://force-color.org.
        """
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        return _is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb"

    def result(self, text: str) -> None:
        """Write one result and a line break, at once; where the reader has left, as `head` does, that is no failure.

        Raises:
            OutputFailed: It could not be written.
        """
        self._clear()
        if sys.stdout is None:  # so Python says that descriptor 1 was closed at its start
            raise OutputFailed("standard output is closed")
        try:
            sys.stdout.write(f"{text}\n")
            # Flushed for each result, so that a full disk is known before the exit code is.
            sys.stdout.flush()
        except BrokenPipeError:
            self.abandon()
        except (OSError, ValueError) as error:  # ValueError: it was closed since
            raise OutputFailed(f"the results could not be written: {error}") from None

    def note(self, text: str) -> None:
        """Write a line that is no result."""
        from pyratify.render.plain import clean

        self._clear()
        # Names from registries may hold escape sequences that move the cursor over a verdict.
        self._error(f"ratify: {clean(text, 4096)}\n")

    def fault(self, message: str, remedy: str, *, debug: bool) -> None:
        """Write what went wrong and what to do; with `debug`, where."""
        self.note(message)
        if remedy:
            self.note(f"what to do: {remedy}")
        if debug:
            import traceback

            self._error(traceback.format_exc())

    def progress(self, done: int, total: int) -> None:
        """Show the progress of several references, on a terminal only."""
        if total > 1 and _is_terminal(sys.stderr):
            self._error(f"\r{done} of {total} references")
            self._progress = True

    def close(self) -> None:
        """Flush standard output.

        Raises:
            OutputFailed: It could not be written.
        """
        self._clear()
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except BrokenPipeError:
            self.abandon()
        except (OSError, ValueError) as error:
            raise OutputFailed(f"the results could not be written: {error}") from None

    def abandon(self) -> None:
        """Discard all further output, so that flushing at exit cannot fail."""
        self._clear()
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            # The descriptor, not the object: the interpreter flushes the old buffer at exit, into nothing.
            os.dup2(null, sys.stdout.fileno())
            os.close(null)
        except (OSError, ValueError, AttributeError):
            return

    def _clear(self) -> None:
        if self._progress:
            self._error("\r\x1b[K")  # erases the counter, which has no line break
            self._progress = False

    def _error(self, text: str) -> None:
        try:
            if sys.stderr is not None:
                sys.stderr.write(text)
                sys.stderr.flush()
        except (OSError, ValueError):
            return  # without a standard error there is no place left to report to


def _is_terminal(stream: "TextIO | None") -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False
