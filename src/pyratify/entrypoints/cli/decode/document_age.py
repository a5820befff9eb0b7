"""When a document was made, and how old it is."""

from datetime import UTC, datetime

from pyratify.entrypoints.cli.decode.certificate_facts import Facts


def made(created: datetime | None) -> Facts:
    """Return when a document was made and its age in days; null where nothing says it."""
    if created is None:
        return {"createdAt": None}
    from pyratify.pki.times import format_time

    age = datetime.now(UTC) - created
    return {"createdAt": format_time(created), "age": f"{age.days} days" if age.days else "less than a day"}
