"""Where signatures are that are not with their image, in the words of configurations and flags."""

from pyratify.core.errors import ConfigurationError, InvalidReference
from pyratify.core.reference import Reference, is_tag


def check_prefix(prefix: str, path: str) -> None:
    """Refuse what no tag can begin with.

    Raises:
        ConfigurationError: It is too long or has other characters than tags have.
    """
    if prefix and not is_tag(f"{prefix}sha256-{'0' * 32}"):
        raise ConfigurationError(
            f"{prefix[:100]!r} cannot stand at the beginning of a tag",
            path=path,
            remedy="Use letters, digits, . _ and -.",
        )


def read_repository(name: str, path: str) -> Reference | None:
    """Return the repository that a text names; None for an empty one.

    Raises:
        ConfigurationError: It is no repository, or has a tag or digest.
    """
    if not name:
        return None
    try:
        found = Reference.parse(name)
    except InvalidReference as error:
        raise ConfigurationError(error.message, path=path, remedy="Write host/repository.") from None
    if "@" in name or ":" in name.rpartition("/")[2]:
        raise ConfigurationError(
            f"{name[:200]!r} has a tag or digest", path=path, remedy="Write host/repository."
        )
    return found
