"""Platforms of an image index (OCI image specification, "image index property descriptions")."""

import re
from collections.abc import Mapping
from typing import Any, Self

from pyratify.core.dataclass import dataclass

UNKNOWN = "unknown"
_MAX = 128
# containerd's spelling: os(version)/architecture/variant. Compiled when it is used: every command imports this module.
_TEXT = (
    r"(?P<os>[a-z0-9_.-]{1,64})(?:\((?P<version>[A-Za-z0-9_.+-]{1,64})\))?"
    r"/(?P<architecture>[A-Za-z0-9_.-]{1,64})(?:/(?P<variant>[A-Za-z0-9_.-]{1,64}))?"
)
# As containerd normalises it.
_SYSTEMS = {"macos": "darwin"}
# As containerd and Docker normalise them: several spellings name one machine.
_MACHINES = {
    ("x86_64", ""): ("amd64", ""),
    ("x86-64", ""): ("amd64", ""),
    ("amd64", "v1"): ("amd64", ""),
    ("i386", ""): ("386", ""),
    ("aarch64", ""): ("arm64", ""),
    ("aarch64", "v8"): ("arm64", ""),
    ("arm64", "v8"): ("arm64", ""),
    ("arm64", "8"): ("arm64", ""),
    ("arm", ""): ("arm", "v7"),
    ("armhf", ""): ("arm", "v7"),
    ("armel", ""): ("arm", "v6"),
    ("arm", "7"): ("arm", "v7"),
    ("arm", "6"): ("arm", "v6"),
    ("arm", "5"): ("arm", "v5"),
}


@dataclass(frozen=True, slots=True)
class Platform:
    """What an image runs on, in the normal spelling; the publisher's claim.

    Attributes:
        os: The operating system, as `linux`.
        architecture: The processor's architecture, as `amd64`.
        variant: Its variant, as `v7`; empty for the usual one.
        os_version: The version of the operating system, which Windows images have.
    """

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    @classmethod
    def of(cls, os: str, architecture: str, variant: str = "", os_version: str = "") -> Self:
        """Return the platform in the normal spelling, so that `linux/arm64/v8` equals `linux/arm64`."""
        os, machine = os.lower(), (architecture.lower(), variant.lower())
        architecture, variant = _MACHINES.get(machine, machine)
        return cls(_SYSTEMS.get(os, os), architecture, variant, os_version)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `os/architecture[/variant]` or, with a version, `os(version)/architecture[/variant]`.

        Raises:
            ValueError: It is neither.
        """
        match = re.fullmatch(_TEXT, text, re.ASCII) if len(text) <= 4 * _MAX else None
        if match is None:
            raise ValueError(
                f"{text[:80]!a} is no platform: write os/architecture or os/architecture/variant, as linux/arm64"
            )
        return cls.of(match["os"], match["architecture"], match["variant"] or "", match["version"] or "")

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """Read the `platform` of a descriptor; a member that is missing is empty, and then it names no platform.

        Raises:
            ValueError: A member that is no short text.
        """
        members = [value.get(name, "") for name in ("os", "architecture", "variant", "os.version")]
        if not all(isinstance(member, str) and len(member) <= _MAX for member in members):
            raise ValueError("its platform has a member that is no short text")
        return cls.of(*members)

    @property
    def is_unknown(self) -> bool:
        """Whether it names no platform, as BuildKit writes `unknown/unknown` for what does not run."""
        return self.os in ("", UNKNOWN) or self.architecture in ("", UNKNOWN)

    def includes(self, other: "Platform") -> bool:
        """Return whether a manifest for the other platform may be run where this one is meant.

        Without a version of the operating system, every version is meant.
        """
        same = (self.os, self.architecture, self.variant) == (other.os, other.architecture, other.variant)
        return same and (not self.os_version or self.os_version == other.os_version)

    def __str__(self) -> str:
        """Return the text that parses to the same platform, where it names one."""
        version = f"({self.os_version})" if self.os_version else ""
        variant = f"/{self.variant}" if self.variant else ""
        return f"{self.os or UNKNOWN}{version}/{self.architecture or UNKNOWN}{variant}"
