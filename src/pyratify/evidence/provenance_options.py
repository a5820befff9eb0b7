"""Rules for SLSA provenance as a configuration writes them."""

from typing import Any

import msgspec


class ProvenanceOptions(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """Rules for SLSA provenance, all of which must hold; in names, `*` stands for anything within one part of a path.

    Attributes:
        builder_ids: The builders that may have built it.
        source_uris: The repositories that it may have been built from, as `https://github.com/org/repo`.
        source_refs: The branches and tags that it may have been built from, as `refs/tags/v*`.
        build_types: The build types that are understood.
        parameters: What the build must have been given from outside, at least; objects are compared member by member.
        maximum_age: The age that the build may have, as `720h`.
    """

    builder_ids: tuple[str, ...] = ()
    source_uris: tuple[str, ...] = ()
    source_refs: tuple[str, ...] = ()
    build_types: tuple[str, ...] = ()
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    maximum_age: str | None = None
