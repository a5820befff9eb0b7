"""Timestamps that were verified before."""

from datetime import datetime

from pyratify.core.caching import WeighedCache
from pyratify.core.limits import MIB
from pyratify.pki.certificates import Certificate
from pyratify.pki.timestamp.token import Timestamp, verify_timestamp

_MAX_TIMESTAMPS = 1024
_MAX_BYTES = 8 * MIB


class TimestampCache:
    """Timestamps by all the bytes that they depend on; that one is not of the future stays true."""

    def __init__(self, size: int = _MAX_TIMESTAMPS, max_bytes: int = _MAX_BYTES) -> None:
        self._timestamps = WeighedCache[Timestamp](max_bytes, size)

    def verify(
        self, token: bytes, signature: bytes, authorities: tuple[Certificate, ...], now: datetime
    ) -> Timestamp:
        """Return the verified timestamp of a signature.

        Raises:
            VerificationError: As `verify_timestamp`; failures are not remembered.
        """
        key = (token, signature, *(authority.der for authority in authorities))
        found = self._timestamps.find(key)
        if found is None:
            found = verify_timestamp(token, signature, authorities, now)
            self._timestamps.keep(key, found)
        return found
