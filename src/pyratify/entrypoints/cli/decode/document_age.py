"""When a document was made, and how old it is."""

from datetime import UTC, datetime

from pyratify.entrypoints.cli.decode.certificate_facts import Facts


def made(created: datetime | None) -> Facts:
    """Return when a document was made and its age in days; null where nothing says it."""
    if created is None:
        return {"createdAt": None}
    from pyratify.pki.times import format_time

    return {"createdAt": format_time(created), "age": _age((datetime.now(UTC) - created).days)}


def _age(days: int) -> str:
    if days < 0:
        return "none yet: it is dated in the future"
    return {0: "less than a day", 1: "1 day"}.get(days, f"{days} days")
