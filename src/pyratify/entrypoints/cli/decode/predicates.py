"""The predicates of statements for `ratify inspect`: long documents are summarised, others are shown whole."""

from typing import Any

from pyratify.core.errors import RatifyError


def shown_statement(statement: Any) -> Any:
    """Return a statement with its predicate as it is shown; any other value as it is."""
    if not isinstance(statement, dict) or "predicate" not in statement:
        return statement
    return statement | {"predicate": _shown(str(statement.get("predicateType")), statement["predicate"])}


def _shown(predicate_type: str, predicate: Any) -> Any:
    # Imported late: `ratify inspect` of other documents does not pay for these readers.
    from pyratify.entrypoints.cli.decode.reports import report_facts, vex_facts
    from pyratify.entrypoints.cli.decode.sbom_contents import SBOM_PREDICATES, sbom_facts
    from pyratify.evidence.cosign_predicate import unwrapped
    from pyratify.evidence.predicate_types import OPENVEX_PREDICATES, VULN_PREDICATES

    try:
        if predicate_type in VULN_PREDICATES:
            return report_facts(predicate)
        if predicate_type in OPENVEX_PREDICATES:
            return vex_facts(predicate)
        return sbom_facts(unwrapped(predicate)) if predicate_type.startswith(SBOM_PREDICATES) else predicate
    # Shown in its place: the rest of the document is of use without it.
    except RatifyError as error:
        return {"error": error.message}
