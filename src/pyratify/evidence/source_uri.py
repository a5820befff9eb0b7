"""Addresses of source repositories in provenance: one spelling for the forms that builders write.

`git+https://host/org/repo@refs/tags/v1`, `https://host/org/repo.git#refs/tags/v1` and `host/org/repo` name one repository; the
part after `@refs/` or `#` is the reference in it (SPDX 2.3, section 7.7; SLSA provenance, "configSource"). So do `git@host:org/repo`
and `ssh://git@host/org/repo` (git-clone(1), "GIT URLS"), which is another one than over https: the host decides what each of them is.
"""

import re

from pyratify.core.dataclass import dataclass

_REFERENCE = re.compile(r"@(refs/.+|[0-9a-f]{40}|[0-9a-f]{64})\Z", re.ASCII | re.DOTALL)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.ASCII | re.IGNORECASE)
_GIT = "git+"
# git-clone(1): the form without a scheme, whose path begins after the colon; a number there is a port.
_SCP = re.compile(r"([^/:@]+@[^/:@]+):/*(?![0-9]+(?:/|\Z))(?=[^/])", re.ASCII)
# RFC 3986, section 6.2.3.
_PORTS = {"https": ":443", "http": ":80", "ssh": ":22", "git": ":9418"}


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
    # Schemes have no case.
    uri = text[len(_GIT) :] if text[: len(_GIT)].lower() == _GIT else text
    uri, _, fragment = uri.partition("#")
    # BuildKit adds the folder of the build after the reference.
    reference = fragment.partition(":")[0]
    if not reference and (match := _REFERENCE.search(uri)):
        uri, reference = uri[: match.start()], match[1]
    return SourceUri(_one_spelling(uri) if uri else "", reference)


def _one_spelling(uri: str) -> str:
    if not _SCHEME.match(uri):
        over_ssh = _SCP.match(uri)
        uri = f"ssh://{over_ssh[1]}/{uri[over_ssh.end() :]}" if over_ssh else f"https://{uri}"
    scheme, _, rest = uri.partition("://")
    # Schemes and hosts have no case; everything after them does.
    scheme = scheme.lower()
    host, slash, path = rest.partition("/")
    host = host.lower().removesuffix(_PORTS.get(scheme, ""))
    return f"{scheme}://{host}{slash}{path.rstrip('/').removesuffix('.git')}"
