"""A document of rules that is followed: the last good one counts when a new one is wrong."""

import asyncio
import logging
from dataclasses import field
from pathlib import Path

from pyratify.config.decode import decode
from pyratify.config.load import parse, read
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.webhook.rules.match import Rules
from pyratify.entrypoints.webhook.rules.rules_document import RulesConfig

_LOG = logging.getLogger("pyratify.webhook")
# Tools write a file in steps: a fault of a moment must not take replicas out of service.
_GRACE = 60.0


def load_rules(path: Path, clock: Clock) -> Rules:
    """Read a document of rules, JSON when its name ends so and YAML otherwise.

    Raises:
        ConfigurationError: With the path of the first thing that is wrong.
    """
    return _decoded(read(path), path, clock)


@dataclass(slots=True)
class FollowedRules:
    """The rules in use.

    Attributes:
        path: The document; None for the rules that count where nothing is said.
        clock: The clock of durations and deadlines.
        has_cluster: Whether there is an API server to ask for the labels of namespaces.
        current: The rules in use.
        fault: Why the document is not in use; None where it is.

    Raises:
        ConfigurationError: The document is wrong from the beginning.
    """

    path: Path | None = None
    clock: Clock = field(default_factory=SystemClock)
    has_cluster: bool = False
    current: Rules = field(init=False)
    fault: ConfigurationError | None = None
    _seen: bytes = b""
    _since: float = 0.0

    def __post_init__(self) -> None:
        if self.path is None:
            self.current = Rules.read(RulesConfig(), self.clock.now())
            return
        # Raises at the start: rules that were never good have no predecessor to fall back on.
        self._seen = read(self.path)
        self.current = self._checked(self._seen, self.path)
        self._tell()

    def refresh(self) -> bool:
        """Read the document again; return whether new rules are in use."""
        if self.path is None:
            return False
        try:
            data = read(self.path)
            # By content: the times of files change with every exchange of a mounted ConfigMap.
            if data == self._seen:
                self.fault = None
                return False
            fresh = self._checked(data, self.path)
        except ConfigurationError as error:
            self._refuse(error)
            return False
        # `current` is replaced whole, so requests on the event loop need no lock.
        self.current, self._seen, self.fault = fresh, data, None
        self._tell()
        return True

    async def watch(self, seconds: float = 2.0) -> None:
        """Refresh again and again, until cancelled."""
        while True:
            await self.clock.sleep(seconds)
            await asyncio.to_thread(self.refresh)

    def unready_reason(self) -> str:
        """Return why the rules in use are not those of the document, when that has lasted; else an empty text."""
        if self.fault is None or self.clock.monotonic() - self._since < _GRACE:
            return ""
        return f"the rules in use are older than their file, which is wrong: {self.fault.message}"

    def _checked(self, data: bytes, path: Path) -> Rules:
        found = _decoded(data, path, self.clock)
        # Found here and not at the first review, which could only be denied.
        if found.selects_namespaces and not self.has_cluster:
            raise ConfigurationError(
                f"the rules {path}: a namespaceSelector needs the API server of a cluster",
                remedy="Run in a cluster or set KUBECONFIG; or select namespaces by their names.",
            )
        return found

    def _refuse(self, error: ConfigurationError) -> None:
        if self.fault is None:
            self._since = self.clock.monotonic()  # when it began, not when it was seen last
        # Once: the file is read every two seconds.
        if self.fault is None or self.fault.message != error.message:
            _LOG.error("rules refused", extra={"error": error.message, "code": error.reason.value})
        self.fault = error

    def _tell(self) -> None:
        _LOG.info("rules in use", extra={"rules": len(self.current.config.rules)})
        # Said here, so that a refused image is not the first sign of it.
        for name in self.current.expired(self.clock.now()):
            _LOG.warning("an exception has expired", extra={"exception": name})


def _decoded(data: bytes, path: Path, clock: Clock) -> Rules:
    try:
        document = parse(data, is_json=path.suffix == ".json")
        return Rules.read(decode(RulesConfig, document), clock.now())
    except ConfigurationError as error:
        raise ConfigurationError(
            f"the rules {path}: {error.message}", reason=error.reason, remedy=error.remedy
        ) from None
