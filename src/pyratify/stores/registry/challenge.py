"""The header field `WWW-Authenticate` (RFC 9110, section 11.6.1; RFC 6750, section 3)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from types import MappingProxyType

from pyratify.core.dataclass import dataclass

_MAX = 8192
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the grammar's word
_PART = re.compile(
    rf'\s*(?:,\s*)*(?:(?P<name>{_TOKEN})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,"]+))|(?P<scheme>{_TOKEN}+)(?!\s*=))',
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate that a server offers.

    Attributes:
        scheme: In lower case, as `bearer`.
        parameters: By name in lower case.
    """

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    def get(self, name: str) -> str:
        """Return a parameter; empty when it is missing."""
        return self.parameters.get(name, "")

    @property
    def essence(self) -> "Challenge":
        """The same for every repository of a registry: scheme, realm and service."""
        kept = {name: self.parameters[name] for name in ("realm", "service") if name in self.parameters}
        return Challenge(self.scheme, kept if self.scheme == "bearer" else {})


def parse_challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """Return the challenges of all fields of that name, in order; what cannot be read is left out."""
    return tuple(challenge for value in values for challenge in _parse(value[:_MAX]))


def _parse(value: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    position = 0
    while match := _PART.match(value, position):
        position = match.end()
        if match["scheme"]:
            found.append((match["scheme"].lower(), {}))
        elif found:
            text = match["plain"] or re.sub(r"\\(.)", r"\1", match["quoted"] or "")
            found[-1][1].setdefault(match["name"].lower(), text)
    return [Challenge(scheme, MappingProxyType(parameters)) for scheme, parameters in found]
