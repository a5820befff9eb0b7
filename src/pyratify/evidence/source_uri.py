"""Addresses of source repositories in provenance: one spelling for the forms that builders write.

`git+https://host/org/repo@refs/tags/v1`, `https://host/org/repo.git#refs/tags/v1` and `host/org/repo` name one repository; the
part after `@refs/` or `#` is the reference in it (SPDX 2.3, section 7.7; SLSA provenance, "configSource").
"""

import re

from pyratify.core.dataclass import dataclass

_REFERENCE = re.compile(r"@(refs/.+|[0-9a-f]{40}|[0-9a-f]{64})\Z", re.ASCII | re.DOTALL)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.ASCII)


@dataclass(frozen=True, slots=True)
class SourceUri:
    """A source repository.

    Attributes:
        repository: Its address without what git adds, as `https://github.com/org/repo`.
        reference: The branch, tag or commit in it, as `refs/tags/v1`; empty where none is named.
    """

    repository: str
    reference: str = ""


def read_source_uri(text: str) -> SourceUri:
    """Return the repository and the reference that a text names; nothing but the spelling is changed.

    Only a whole reference is split off: `https://host/org/repo@evil` is another repository than `https://host/org/repo`.
    """
    uri, _, fragment = text.removeprefix("git+").partition("#")
    # BuildKit adds the folder of the build after the reference.
    reference = fragment.partition(":")[0]
    if not reference and (match := _REFERENCE.search(uri)):
        uri, reference = uri[: match.start()], match[1]
    if uri and not _SCHEME.match(uri):
        uri = f"https://{uri}"
    scheme, _, rest = uri.partition("://")
    # Hosts have no case; everything after them does.
    host, slash, path = rest.partition("/")
    path = path.rstrip("/").removesuffix(".git")
    return SourceUri(f"{scheme}://{host.lower()}{slash}{path}" if uri else "", reference)
