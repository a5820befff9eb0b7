"""The trusted root of GitHub's own Sigstore instance, and what its signatures prove.

GitHub signs attestations of private repositories, and those of enterprises with data residency, with an instance of its own: it has no
transparency logs, and its timestamp authority says when something was signed. https://tuf-repo.github.com publishes its root, and one for
each trust domain of an enterprise; its TUF root is shipped, from which `ratify trust sigstore --github --refresh` starts.
"""

import re

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.sigstore.root_names import GITHUB
from pyratify.sigstore.tuf import TARGET, Repository, kept_root

URL = "https://tuf-repo.github.com"
# A label of a host, as `octo` in octo.ghe.com: it becomes the name of a target and of a folder.
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


def github_repository(name: str) -> Repository:
    """Return where the root of this name is published.

    Raises:
        ConfigurationError: What stands behind `github:` is no trust domain.
    """
    _, colon, domain = name.partition(":")
    if colon and not _DOMAIN.fullmatch(domain):
        raise ConfigurationError(
            f"{domain[:80]!a} is no trust domain of GitHub",
            path="trustedRoot",
            remedy="Write github, or github: and the first part of SUBDOMAIN.ghe.com.",
        )
    target = f"{domain}.{TARGET}" if domain else TARGET
    return Repository(f"{GITHUB}.{domain}" if domain else GITHUB, URL, _tuf_root(), target)


def _tuf_root() -> bytes:
    from importlib.resources import files  # only where a root is fetched

    return (files("pyratify.sigstore.roots") / GITHUB / "root.json").read_bytes()


def github_root(name: str) -> KeyMaterial:
    """Return the root of this name that was last fetched; nothing is fetched now.

    Raises:
        ConfigurationError: `KEY_UNAVAILABLE`: it never was; or it is no name of a root.
    """
    repository = github_repository(name)
    kept = kept_root(repository.name)
    if kept is None:
        domain = name.partition(":")[2]
        raise ConfigurationError(
            f"the trusted root {name} of {URL} is not here yet",
            path="trustedRoot",
            reason=Reason.KEY_UNAVAILABLE,
            remedy=f"Bring it once: ratify trust sigstore --github{f' {domain}' if domain else ''} --refresh.",
        )
    return kept
