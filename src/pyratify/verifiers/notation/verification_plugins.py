"""The interface of verification plugins, and those that are Python packages.

Notary Project, plugin-extensibility.md, "Plugin contract": commands with a JSON object each way. A package speaks the same
contract as a program, in this process: an entry point of the group `pyratify.notation_plugins`, called like the plugin.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import InconclusiveError, RatifyError, VerificationError
from pyratify.core.isolation import describe
from pyratify.core.reason import Reason


class VerificationPlugins(Protocol):
    """The verification plugins that signatures may ask for."""

    def find(self, name: str) -> object:
        """Return what runs a plugin.

        Raises:
            VerificationError: `PLUGIN_REQUIRED`: there is none that may be run.
        """
        ...

    async def run(self, name: str, command: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run one command of a plugin and return what it answers.

        Raises:
            VerificationError: As `find`.
            InconclusiveError: `VERIFIER_ERROR` or `TIMEOUT`: it failed.
        """
        ...


class PluginModule(Protocol):
    """A verification plugin in this process."""

    def run(self, command: str, request: Mapping[str, Any]) -> Awaitable[Mapping[str, Any]]:
        """Return the answer to a command (plugin-extensibility.md, "Plugin contract").

        Raises:
            InconclusiveError: It could not be decided.
        """
        ...


@dataclass(frozen=True, slots=True)
class CombinedPlugins:
    """Plugins in this process, and programs for all others.

    Attributes:
        modules: The plugins in this process by name.
        programs: The programs; None where none may be run.
        seconds: The most time that one command of a module may take.
    """

    modules: Mapping[str, PluginModule]
    programs: VerificationPlugins | None = None
    seconds: float = 10.0

    def find(self, name: str) -> object:
        """Return what runs a plugin; errors as in `VerificationPlugins`."""
        if name in self.modules:
            return self.modules[name]
        if self.programs is None:
            raise VerificationError(
                Reason.PLUGIN_REQUIRED, f"the signature must be verified by the plugin {name[:120]!r}"
            )
        return self.programs.find(name)

    async def run(self, name: str, command: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run one command; errors as in `VerificationPlugins`."""
        module = self.modules.get(name)
        if module is not None:
            return await self._ask(name, module, command, request)
        if self.programs is None:
            raise VerificationError(Reason.PLUGIN_REQUIRED, f"there is no plugin {name[:120]!r}")
        return await self.programs.run(name, command, request)

    async def _ask(
        self, name: str, module: PluginModule, command: str, request: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        try:
            # A module may never return, and a verdict must not wait for ever.
            async with asyncio.timeout(self.seconds):
                answer = await module.run(command, request)
        except RatifyError:
            raise
        except TimeoutError:
            message = f"the plugin {name} did not answer within {self.seconds:g} seconds"
            raise InconclusiveError(Reason.TIMEOUT, message) from None
        except Exception as error:  # noqa: BLE001 - a module is a plugin: whatever it raises is no answer
            raise InconclusiveError(
                Reason.VERIFIER_ERROR, f"the plugin {name} failed: {describe(error)}"
            ) from None
        # The contract has objects alone; what is no refusal is not yet an approval.
        if not isinstance(answer, Mapping):
            raise InconclusiveError(Reason.VERIFIER_ERROR, f"the plugin {name} answered with no object")
        return answer
