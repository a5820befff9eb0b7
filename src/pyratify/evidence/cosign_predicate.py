"""Documents as cosign before version 2 signed them: within an object of its own (cosign 1, COSIGN_PREDICATE_SPEC)."""

from typing import Any


def unwrapped(predicate: Any) -> Any:
    """Return the document in `{"Data": ..., "Timestamp": ...}`; any other predicate as it is.

    Nothing but exactly these members: beside others, a reader that does not know cosign's object would see another document.
    """
    if isinstance(predicate, dict) and "Data" in predicate and predicate.keys() <= {"Data", "Timestamp"}:
        return predicate["Data"]
    return predicate
