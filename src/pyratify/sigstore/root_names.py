"""The names by which a trust policy names a trusted root that is no file."""

SHIPPED = ("public-good", "staging")
GITHUB = "github"


def is_github(name: str) -> bool:
    """Return whether a trusted root is that of GitHub's own instance: `github`, or `github:` and the trust domain of an enterprise."""
    return name.partition(":")[0] == GITHUB


def names_file(name: str) -> bool:
    """Return whether a trusted root is named by its file."""
    return name not in SHIPPED and not name.startswith("https://") and not is_github(name)
