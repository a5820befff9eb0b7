"""Files with several trusted roots, one in each line, as `gh attestation trusted-root` prints them (`trusted_root.jsonl`)."""

from collections.abc import Iterator
from dataclasses import replace

from pyratify.core import strictjson
from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.sigstore.trusted_material import TrustedMaterial
from pyratify.sigstore.trusted_root import load_trusted_root

MAX_ROOTS = 16  # gh prints one line for each instance, two today; each root is tried with each signature


def load_trusted_roots(material: KeyMaterial) -> tuple[TrustedMaterial, ...]:
    """Load one trusted root, or one from each line; each is independent, like separate instances of Sigstore.

    Raises:
        ConfigurationError: `TRUST_ROOT`: one of them cannot be used, or there are too many.
    """
    lines = [(number, line) for number, line in enumerate(material.data.splitlines(), 1) if line.strip()]
    if len(lines) < 2 or not _is_object(lines[0][1]):
        return (load_trusted_root(material),)
    # A pretty-printed root has many lines too, but its first is no whole object.
    if len(lines) > MAX_ROOTS:
        raise ConfigurationError(
            f"not usable trusted roots: {material.origin}: {len(lines)} lines, more than the {MAX_ROOTS} allowed",
            reason=Reason.TRUST_ROOT,
        )
    return tuple(load_trusted_root(each) for each in _split(material, lines))


def _split(material: KeyMaterial, lines: list[tuple[int, bytes]]) -> Iterator[KeyMaterial]:
    for number, line in lines:
        yield replace(material, data=line, origin=f"{material.origin}, line {number}")


def _is_object(line: bytes) -> bool:
    try:
        strictjson.load_object(line, what="trusted root")
    except strictjson.InvalidJson:
        return False
    return True
