"""Names of backup files, which must not count as trust material."""

_BACKUPS = ("~", ".bak", ".old", ".orig", ".save", ".swp", ".tmp", ".rpmsave", ".rpmnew", ".dpkg-old")


def looks_like_backup(name: str) -> bool:
    """Return whether a name is one that editors and package managers give to copies of a file."""
    return name.lower().endswith(_BACKUPS)
