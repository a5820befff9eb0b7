"""Limits the work for one artifact, whose publisher decides how many signatures and proofs there are to be tried."""

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore.verification_material import VerificationMaterial

MAX_COST = 5000
"""Units of about 0.1 ms for one artifact: 50 P-256 keys and 100 signatures, or 240 signatures with certificates and log entries."""
BYTES_PER_UNIT = 512
"""For `offload`, the cost of one unit: up to 12 ms of work are done at once, which a thread would not make shorter."""
# Prices are measured upper bounds: a refusal must not depend on the machine, so no clock is read.
_CERTIFICATE = 15  # chain, certificate timestamps, identity
_LOG_ENTRY = 6  # inclusion proof, checkpoint, promise
_TIMESTAMP = 10  # for each authority that it may be of
_ORDINARY_EXPRESSIONS = (
    512  # RE2 instructions; those of ordinary identities are matched in less than one unit
)
_INSTRUCTIONS = 4  # for one unit, where an expression was made to be slow: 20 us for each and 1024 characters


class Budget:
    """The units that are left for one artifact."""

    def __init__(self, units: int = MAX_COST) -> None:
        self._units = units
        self._spent = 0

    @property
    def is_exceeded(self) -> bool:
        """Whether anything was refused: what is known of the artifact is not all of it."""
        return self._spent > self._units

    def end(self) -> None:
        """Refuse all further work, because its result is no longer awaited; safe from another thread."""
        # No lock: one assignment; a thread that read the old value makes one attempt more.
        self._units = 0

    def spend(self, units: int) -> None:
        """Spend units, before the work is done.

        Raises:
            VerificationError: `ATTEMPT_LIMIT`: they exceed what is left; from then on everything does.
        """
        # Counted even if refused, so that smaller attempts after it cannot slip through.
        self._spent += units
        # An exhausted budget hides only later signatures of the same manifest.
        if self._spent > self._units:
            raise VerificationError(
                Reason.ATTEMPT_LIMIT,
                f"verifying all signatures of this artifact costs more than the {self._units} attempts allowed for one",
            )


def typical_cost(authorities: int, instructions: int) -> int:
    """Return the cost of a signature with a certificate, one log entry and one timestamp.

    Args:
        authorities: How many timestamp authorities are trusted.
        instructions: The size of the expressions that the signer is matched with.
    """
    matching = max(0, instructions - _ORDINARY_EXPRESSIONS) // _INSTRUCTIONS
    return _CERTIFICATE + _LOG_ENTRY + _TIMESTAMP * authorities + matching


def cost_of_proofs(material: VerificationMaterial, authorities: int) -> int:
    """Return the most that a signature's certificate, log entries and timestamps can cost.

    Args:
        material: The signature.
        authorities: How many timestamp authorities are trusted.
    """
    certificate = 0 if material.certificate is None else _CERTIFICATE
    timestamps = len(material.timestamps) * _TIMESTAMP * max(1, authorities)
    return certificate + len(material.entries) * _LOG_ENTRY + timestamps
