"""The digests that an SBOM gives to what it describes."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

_ALGORITHMS = {
    "SHA256": "sha256",
    "SHA-256": "sha256",
    "SHA384": "sha384",
    "SHA-384": "sha384",
    "SHA512": "sha512",
    "SHA-512": "sha512",
}
_DIGEST = re.compile(r"sha(?:256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})", re.ASCII)
# The digest is the version of a package URL of type oci (purl specification, types/oci).
_PURL = re.compile(r"pkg:(?:oci|docker)/[^@?#]{1,500}@([^?#]{1,200})", re.ASCII)


def digests_of(
    checksums: Iterable[tuple[str, str]], version: str, purls: Iterable[str], name: str
) -> Iterator[str]:
    """Iterate over the digests of the described artifact.

    Args:
        checksums: Pairs of an algorithm, as either format writes it, and a value.
        version: Its version: tools write the digest of an image there.
        purls: Its package URLs.
        name: Its name, as `registry/repository@sha256:...`.
    """
    for algorithm, value in checksums:
        if algorithm in _ALGORITHMS:
            yield f"{_ALGORITHMS[algorithm]}:{value.lower()}"
    versions = [unquote(match[1]) for match in map(_PURL.match, purls) if match]
    for text in (version, name.rpartition("@")[2], *versions):
        if _DIGEST.fullmatch(text):
            yield text
