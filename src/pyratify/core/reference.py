"""References: the only place where text becomes a reference.

The grammar is that of distribution/reference, the normalisation Docker's (`nginx` is `docker.io/library/nginx`);
what different readers could understand in different ways is refused.
"""

import re
from typing import NoReturn, Self

from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest, InvalidDigest
from pyratify.core.errors import InvalidReference
from pyratify.core.reason import Reason

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
LAYOUT_SCHEMES = ("oci", "oci-archive")

# distribution/reference has the same bound for a name.
_MAX_NAME = 255
_MAX_TEXT = 1024
_MAX_PATH = 4096
_MAX_PORT = 65535
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[a-fA-F0-9:]+\])(?::[1-9][0-9]{{0,4}})?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = re.compile(_HOST, re.ASCII)
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
# Docker refuses it too: an image's identifier is no name.
_IMAGE_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)
_USER = re.compile(r"^[^/@]*:[^/@]*@")  # `user:password@`, which must not be shown
_PRINTABLE = re.compile(r"[!-~]+", re.ASCII)
_PORT = re.compile(r":([0-9]+)\Z", re.ASCII)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LOOPBACK = re.compile(rf"127(?:\.{_OCTET}){{3}}", re.ASCII)
# Three names of one registry: scopes and credentials for one have to hold for all.
_DOCKER_HUB = {"index.docker.io": DEFAULT_REGISTRY, "registry-1.docker.io": DEFAULT_REGISTRY}


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an artifact is: registry, repository, and a tag, a digest or both.

    Attributes:
        registry: The canonical host with its port, as `ghcr.io` or `localhost:5000`; `oci` or `oci-archive` for a layout.
        repository: The repository in the registry; the path for a layout.
        tag: The tag, kept for display only where there is a digest.
        digest: The digest, which always decides.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `[registry/]repository[:tag][@digest]`, Docker short names included.

        Raises:
            InvalidReference: `REF_INVALID`, or `REF_AMBIGUOUS` for a name that could be an image's identifier.
        """
        # Length first: no expression sees a long hostile text.
        if not text or len(text) > _MAX_TEXT or not _PRINTABLE.fullmatch(text):
            _refuse(text, "it is empty, too long or has characters that no reference has")
        if _IMAGE_ID.fullmatch(text):
            raise InvalidReference(
                Reason.REF_AMBIGUOUS, f"{text!a} could be an image's identifier or a repository"
            )
        name, digest = _split_digest(text)
        name, tag = _split_tag(name, text)
        registry, repository = _split_registry(name)
        _check_names(registry, repository, text)
        if digest is None and tag is None:
            tag = DEFAULT_TAG
        return cls(canonical_registry(registry), repository, tag, digest)

    @classmethod
    def parse_layout(cls, text: str) -> Self:
        """Parse `oci:DIR[:TAG|@DIGEST]` or `oci-archive:FILE[:TAG|@DIGEST]`.

        Only entry points whose caller may read local files may accept these.

        Raises:
            InvalidReference: `REF_INVALID`.
        """
        scheme, _, rest = text.partition(":")
        if scheme not in LAYOUT_SCHEMES or len(rest) > _MAX_PATH or any(ord(char) < 32 for char in rest):
            _refuse(text, "it is no path of an OCI layout", "Write oci:DIR:TAG or oci-archive:FILE:TAG.")
        path, digest = _split_digest(rest)
        tag: str | None = None
        # In the last component only: folders may have a colon in their names.
        if digest is None and ":" in path.rpartition("/")[2]:
            path, _, tag = path.rpartition(":")
            if not _TAG.fullmatch(tag):
                _refuse(text, "its tag is not allowed")
        if not path:
            _refuse(text, "it names no path", "Write oci:DIR:TAG or oci-archive:FILE:TAG.")
        return cls(scheme, path, tag, digest)

    @property
    def is_layout(self) -> bool:
        """Whether this names an OCI layout on disk and not a registry."""
        return self.registry in LAYOUT_SCHEMES

    @property
    def name(self) -> str:
        """Registry and repository without tag and digest, as trust policies and scopes name it."""
        return f"{self.registry}{':' if self.is_layout else '/'}{self.repository}"

    def at(self, digest: Digest) -> Self:
        """Return the same repository at that digest, without a tag."""
        return type(self)(self.registry, self.repository, None, digest)

    def tagged(self, tag: str) -> Self:
        """Return the same repository at that tag, without a digest."""
        return type(self)(self.registry, self.repository, tag)

    def __str__(self) -> str:
        """Return the canonical text, which parses to the same reference."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}@{self.digest}" if self.digest else f"{self.name}{tag}"


def is_layout(text: str) -> bool:
    """Return whether the text is spelled as a reference to an OCI layout on disk."""
    return text.partition(":")[0] in LAYOUT_SCHEMES and ":" in text


def is_repository(text: str) -> bool:
    """Return whether the text follows the grammar of a repository, as `team/app`."""
    return len(text) <= _MAX_NAME and _REPOSITORY.fullmatch(text) is not None


def is_registry(text: str) -> bool:
    """Return whether the text follows the grammar of a registry's host, with or without a port."""
    if len(text) > _MAX_NAME or not _REGISTRY.fullmatch(text):
        return False
    host, port = _split_port(text)
    return int(port or "1") <= _MAX_PORT and (not host.startswith("[") or _ipv6(host) is not None)


def is_qualified(first: str) -> bool:
    """Return whether the first part of a name is read as a registry, and not as a part of a Docker Hub repository."""
    return first == "localhost" or "." in first or ":" in first


def is_tag(text: str) -> bool:
    """Return whether the text follows the grammar of a tag (OCI distribution specification, "Pulling manifests")."""
    return _TAG.fullmatch(text) is not None


def is_loopback(registry: str) -> bool:
    """Return whether a canonical registry is this machine: `localhost`, 127.0.0.0/8 or `[::1]`, with or without a port."""
    host, _ = _split_port(registry)
    return host in ("localhost", "[::1]") or _LOOPBACK.fullmatch(host) is not None


def canonical_registry(registry: str) -> str:
    """Return the one spelling of a registry: lower case, no trailing dot, no default https port, Docker Hub's own name.

    A port stays where the name would not be read as a registry's without it, and on this machine, where it may be http.
    """
    host, port = _split_port(registry)
    host = host.lower().removesuffix(".")
    if host.startswith("["):
        host = _ipv6(host) or host
    if port == "443" and is_qualified(host) and not is_loopback(host):
        port = ""
    return f"{host}:{port}" if port else _DOCKER_HUB.get(host, host)


def _split_port(registry: str) -> tuple[str, str]:
    match = _PORT.search(registry)
    return (registry[: match.start()], match[1]) if match else (registry, "")


def _ipv6(host: str) -> str | None:
    from ipaddress import IPv6Address

    try:
        return f"[{IPv6Address(host[1:-1]).compressed}]"
    except ValueError:
        return None


def _split_digest(text: str) -> tuple[str, Digest | None]:
    name, at, digest = text.partition("@")
    if not at:
        return name, None
    try:
        return name, Digest(digest)
    except InvalidDigest as error:
        raise InvalidReference(
            Reason.REF_INVALID, f"not a reference: {_shown(text)}: {error.message}"
        ) from None


def _split_tag(name: str, text: str) -> tuple[str, str | None]:
    # In the last component only: a colon before it begins a registry's port.
    if ":" not in name.rpartition("/")[2]:
        return name, None
    name, _, tag = name.rpartition(":")
    if not _TAG.fullmatch(tag):
        _refuse(text, "its tag is not allowed")
    return name, tag


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    # As Docker: a repository has no upper case, so what has some is a registry.
    if slash and (is_qualified(first) or first != first.lower()):
        registry, repository = first, rest
    else:
        registry, repository = DEFAULT_REGISTRY, name
    if canonical_registry(registry) == DEFAULT_REGISTRY and "/" not in repository:
        # Docker's official images.
        repository = f"library/{repository}"
    return registry, repository


def _check_names(registry: str, repository: str, text: str) -> None:
    # Before the grammar: a common mistake, with a remedy of its own.
    if repository != repository.lower():
        _refuse(
            text,
            "a repository is written in lower case",
            f"If that is what is meant, write {registry[:200]}/{repository[:200].lower()}.",
        )
    if max(len(registry), len(repository)) > _MAX_NAME:
        _refuse(text, f"its name is longer than {_MAX_NAME} characters")
    if not is_registry(registry) or not is_repository(repository):
        _refuse(text, "it does not follow the grammar registry/repository:tag@digest")
    # `APP/x` would become `app/x`, which is read as a repository of Docker Hub.
    if not is_qualified(canonical_registry(registry)):
        _refuse(
            text,
            "its registry needs a domain or a port",
            "Write the registry with its domain or port, as registry.example.com or localhost:5000.",
        )


def _shown(text: str) -> str:
    """Return the text for a message, without what could be a user's password."""
    return f"{_USER.sub('***@', text)[:80]!a}"


def _refuse(text: str, why: str, remedy: str | None = None) -> NoReturn:
    raise InvalidReference(Reason.REF_INVALID, f"not a reference: {_shown(text)}: {why}", remedy=remedy)
