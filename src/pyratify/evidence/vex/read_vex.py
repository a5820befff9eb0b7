"""From a parsed document to VEX statements, whichever of the formats it has."""

from pyratify.core.reason import Reason
from pyratify.evidence.members import Members
from pyratify.evidence.vex.cyclonedx_vex import read_cyclonedx_vex
from pyratify.evidence.vex.openvex import read_openvex
from pyratify.evidence.vex.statement import VexDocument


def read_vex(document: object) -> VexDocument:
    """Read a VEX document.

    Args:
        document: A JSON value that was parsed strictly.

    Raises:
        VerificationError: `REPORT_INVALID` or `TIME_INVALID`.
    """
    members = Members(document, "VEX document", reason=Reason.REPORT_INVALID)
    is_openvex = "statements" in members.value and "@context" in members.value
    is_cyclonedx = members.value.get("bomFormat") == "CycloneDX"
    # A polyglot: two tools would read different statements from it.
    if is_openvex and is_cyclonedx:
        members.malformed("it could be OpenVEX and CycloneDX")
    if is_openvex:
        return read_openvex(members)
    if is_cyclonedx:
        return read_cyclonedx_vex(members)
    other = "CSAF is not read" if "product_tree" in members.value else "it has no known format"
    return members.malformed(f"{other}; OpenVEX and CycloneDX JSON are")
