"""Checks the shape of a configuration part by part, so that one fault does not hide another."""

import re
from copy import deepcopy
from dataclasses import field
from typing import Any

from pyratify.config.decode import decode
from pyratify.config.schema import Config, ExecutorConfig, PolicyConfig, StoreConfig, VerifierConfig
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError

_STAND_IN = "stand-in"
_PARTS = (("verifiers", VerifierConfig), ("stores", StoreConfig))


@dataclass(slots=True)
class Shape:
    """The result of checking the shape of a document.

    Attributes:
        found: The faults by message, each once.
        places: The paths where a stand-in replaces a value of the wrong shape.
        config: The configuration with these stand-ins; None where even that has the wrong shape.
    """

    found: dict[str, ConfigurationError] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)
    config: Config | None = None

    @classmethod
    def of(cls, document: Any) -> "Shape":
        """Decode the parts first, then what holds them with stand-ins for those that failed."""
        # A copy: stand-ins must not get into the caller's document.
        shape, copy = cls(), deepcopy(document)
        executors = _list(copy, "executors")
        for index, executor in enumerate(executors):
            path = f"executors[{index}]"
            if isinstance(executor, dict):
                shape._parts(executor, path)
            if not shape._fits(ExecutorConfig, executor, path):
                # A reserved domain (RFC 6761 6.4): the scope of a stand-in equals none of the document's.
                scope = f"{_STAND_IN}-{index}.invalid"
                executors[index] = {"scopes": [scope], "verifiers": [_verifier({}, path)]}
        if shape._fits(Config, copy, ""):
            shape.config = decode(Config, copy)
        return shape

    @property
    def faults(self) -> tuple[ConfigurationError, ...]:
        """The faults, in the order of the parts."""
        return tuple(self.found.values())

    def stands_in_at(self, path: str) -> bool:
        """Return whether a path lies within a stand-in, whose faults are not the document's."""
        return any(path == place or path.startswith((f"{place}.", f"{place}[")) for place in self.places)

    def _parts(self, executor: dict[str, Any], path: str) -> None:
        for name, kind in _PARTS:
            parts = _list(executor, name)
            for number, part in enumerate(parts):
                place = f"{path}.{name}[{number}]"
                if not self._fits(kind, part, place):
                    parts[number] = _verifier(part, place) if kind is VerifierConfig else {"type": _STAND_IN}
        policy = executor.get("policyEnforcer")
        if policy is not None and not self._fits(PolicyConfig, policy, f"{path}.policyEnforcer"):
            executor["policyEnforcer"] = {"type": _STAND_IN}

    def _fits(self, kind: Any, value: Any, path: str) -> bool:
        try:
            decode(kind, value, path)
        except ConfigurationError as error:
            self.found.setdefault(error.message, error)
            self.places.append(path)
            return False
        return True


def _list(owner: Any, name: str) -> list[Any]:
    found = owner.get(name) if isinstance(owner, dict) else None
    return found if isinstance(found, list) else []


def _verifier(part: Any, place: str) -> dict[str, Any]:
    """Return a stand-in with the verifier's own name, so that rules that name it stay valid."""
    named = {"name": part.get("name") if isinstance(part, dict) else None, "type": _STAND_IN}
    try:
        decode(VerifierConfig, named)
    except ConfigurationError:
        return {**named, "name": re.sub("[^A-Za-z0-9]+", "-", f"{_STAND_IN}-{place}")}
    return named
