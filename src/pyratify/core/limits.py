"""Bounds on untrusted content and on the work that it may cause."""

from dataclasses import fields

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one validation.

    Attributes:
        manifest_bytes: The largest manifest or referrers page that is read.
        blob_bytes: The largest blob that is read.
        referrers: How many referrers of one subject are examined.
        signatures: How many signatures one artifact may hold; cosign's `.sig` tags collect them, one for each signing.
        depth: How many levels of referrers of referrers are followed.
        artifacts: How many artifacts are examined in all of one subject, counted in the store's order.
        total_bytes: How many bytes one validation may read.
        platforms: How many manifests of an image index are looked at, where its platforms are judged.

    Raises:
        ConfigurationError: A bound that is not a whole number above zero.
    """

    # distribution-spec.md, "Pushing Manifests": registries support at least 4 megabytes.
    manifest_bytes: int = 4 * MIB
    blob_bytes: int = 32 * MIB
    referrers: int = 100
    signatures: int = 2000
    depth: int = 5
    artifacts: int = 500
    total_bytes: int = 256 * MIB
    platforms: int = 64

    def __post_init__(self) -> None:
        for bound in fields(self):
            value = getattr(self, bound.name)
            # Not isinstance: bool is a subclass of int.
            if type(value) is not int or value < 1:
                raise ConfigurationError(f"{bound.name} is a whole number above zero", path="limits")
