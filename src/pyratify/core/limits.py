"""Bounds on untrusted content and on the work that it may cause."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one validation.

    Attributes:
        manifest_bytes: The largest manifest or referrers page that is read.
        blob_bytes: The largest blob that is read.
        referrers: How many referrers of one subject are looked at.
        depth: How many levels of referrers of referrers are followed.
        artifacts: How many artifacts are looked at in one validation.
        total_bytes: How many bytes one validation may read.
    """

    manifest_bytes: int = 4 * MIB
    blob_bytes: int = 32 * MIB
    referrers: int = 100
    depth: int = 5
    artifacts: int = 500
    total_bytes: int = 256 * MIB
