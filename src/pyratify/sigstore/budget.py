"""What verifying one artifact may cost: its publisher decides how many signatures and proofs there are to be tried."""

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore.verification_material import VerificationMaterial

MAX_COST = 5000
"""Units of about 0.1 ms for one artifact: 50 P-256 keys and 100 signatures, or 240 signatures with certificates and log entries."""
BYTES_PER_UNIT = 512
"""For `offload`, the cost of one unit: up to 12 ms of work are done at once, which a thread would not make shorter."""
_CERTIFICATE = 15  # chain, certificate timestamps, identity
_ENTRY = 6  # inclusion proof, checkpoint, promise
_STAMP = 10  # for each authority that it may be of


class Budget:
    """What is left to be spent on one artifact."""

    def __init__(self, units: int = MAX_COST) -> None:
        self._units = units
        self._spent = 0

    def end(self) -> None:
        """Let nothing more be spent, as nobody waits for what it would be spent on; safe from another thread."""
        self._units = 0

    def spend(self, units: int) -> None:
        """Spend as much, before it is done.

        Raises:
            VerificationError: `ATTEMPT_LIMIT`: it is too much; from then on everything is.
        """
        self._spent += units
        if self._spent > self._units:
            raise VerificationError(
                Reason.ATTEMPT_LIMIT,
                f"verifying all signatures of this artifact costs more than the {self._units} attempts allowed for one",
            )


def typical_cost(authorities: int) -> int:
    """Return what a signature usually costs that has a certificate, one log entry and one timestamp."""
    return _CERTIFICATE + _ENTRY + _STAMP * authorities


def cost_of_proofs(material: VerificationMaterial, authorities: int) -> int:
    """Return what a signature's certificate, log entries and timestamps cost at most.

    Args:
        material: The signature.
        authorities: How many timestamp authorities are trusted.
    """
    certificate = 0 if material.certificate is None else _CERTIFICATE
    stamps = len(material.timestamps) * _STAMP * max(1, authorities)
    return certificate + len(material.entries) * _ENTRY + stamps
