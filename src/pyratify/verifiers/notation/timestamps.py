"""Timestamps that were verified before."""

from collections import OrderedDict
from datetime import datetime

from pyratify.pki.certificates import Certificate
from pyratify.pki.timestamp.token import Timestamp, verify_timestamp

_MAX_TIMESTAMPS = 1024


class TimestampCache:
    """Timestamps by all the bytes that they depend on; that one is not of the future stays true."""

    def __init__(self, size: int = _MAX_TIMESTAMPS) -> None:
        self._size = size
        self._timestamps: OrderedDict[tuple[bytes, ...], Timestamp] = OrderedDict()

    def verify(
        self, token: bytes, signature: bytes, authorities: tuple[Certificate, ...], now: datetime
    ) -> Timestamp:
        """Return the verified timestamp of a signature.

        Raises:
            VerificationError: As `verify_timestamp`; failures are not remembered.
        """
        key = (token, signature, *(authority.der for authority in authorities))
        found = self._timestamps.get(key)
        if found is None:
            found = self._timestamps[key] = verify_timestamp(token, signature, authorities, now)
            if len(self._timestamps) > self._size:
                self._timestamps.popitem(last=False)
        else:
            self._timestamps.move_to_end(key)
        return found
