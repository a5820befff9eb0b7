"""Finds a renderer by name: built in, or installed (entry points of the group `pyratify.renderers`)."""

from importlib import import_module
from typing import Protocol

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, InconclusiveError
from pyratify.core.isolation import describe
from pyratify.core.reason import Reason
from pyratify.core.report import ValidationResult
from pyratify.render import BUILT_IN


class Renderer(Protocol):
    """What an entry point of the group `pyratify.renderers` names; a function will do."""

    def __call__(self, result: ValidationResult, *, color: bool = False) -> str:
        """Return one result as text, without a line break at its end; a pure function that decides nothing.

        Args:
            result: What to show; every text in it may come from an attacker: `pyratify.render.plain.clean` escapes it.
            color: Whether a terminal shows it in colors.
        """
        ...


def load_renderer(name: str) -> Renderer:
    """Return the renderer of that name.

    Raises:
        ConfigurationError: Not installed, claimed by two packages, it cannot be imported, or it is no function.
    """
    # Built-in ones first: no package can take the name of one.
    if name in BUILT_IN:
        ours: Renderer = import_module(f"pyratify.render.{name}").render
        return ours
    # Lazy: entry points are read only for a renderer of another package.
    from pyratify.core.plugin import Registry

    found = Registry[Renderer]("renderers").load(name, "-o")
    if not callable(found):
        raise ConfigurationError(
            f"the renderer {name!r} is not a function",
            path="-o",
            remedy="Report it to the renderer's author.",
        )
    return _IsolatedRenderer(name, found)


@dataclass(frozen=True, slots=True)
class _IsolatedRenderer:
    """A renderer of another package: its exceptions, `SystemExit` included, become an error and cannot choose the exit code."""

    name: str
    renderer: Renderer

    def __call__(self, result: ValidationResult, *, color: bool = False) -> str:
        try:
            text = self.renderer(result, color=color)
        # The one exception that is the caller's: Ctrl-C is no fault of the renderer.
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise self._fault(f"failed: {describe(error)}") from error
        if not isinstance(text, str):
            raise self._fault(f"returned {type(text).__name__} and no text")
        return text

    def _fault(self, what: str) -> InconclusiveError:
        return InconclusiveError(
            Reason.INTERNAL,
            f"the renderer {self.name!r} {what}",
            remedy="Report it to the renderer's author; -o text and -o json show the result.",
        )
