"""Chains and timestamps that were verified before, by all the bytes that they depend on; failures are not cached."""

from datetime import datetime

from pyratify.core.caching import WeighedCache
from pyratify.core.limits import MIB
from pyratify.pki.certificates import Certificate
from pyratify.pki.chain import Chain, validate_chain
from pyratify.pki.timestamp.token import Timestamp, verify_timestamp

_MAX_CHAINS = 256
_MAX_TIMESTAMPS = 1024
_MAX_BYTES = 8 * MIB


class ChainCache:
    """Chains that met every requirement that depends neither on time nor on trust."""

    def __init__(self, size: int = _MAX_CHAINS, max_bytes: int = _MAX_BYTES) -> None:
        self._chains = WeighedCache[Chain](max_bytes, size)

    def validate(self, documents: tuple[bytes, ...]) -> Chain:
        """Return the validated chain.

        Raises:
            VerificationError: As `validate_chain`.
        """
        chain = self._chains.get(documents)
        if chain is None:
            # It raises before `put`: bad chains cost nothing to make, and would displace the good ones.
            chain = validate_chain(documents)
            self._chains.put(documents, chain)
        return chain


class TimestampCache:
    """Verified timestamps; the current time is no part of the key, as a timestamp that was not of the future stays so."""

    def __init__(self, size: int = _MAX_TIMESTAMPS, max_bytes: int = _MAX_BYTES) -> None:
        self._timestamps = WeighedCache[Timestamp](max_bytes, size)

    def verify(
        self, token: bytes, signature: bytes, authorities: tuple[Certificate, ...], now: datetime
    ) -> Timestamp:
        """Return the verified timestamp of a signature.

        Raises:
            VerificationError: As `verify_timestamp`.
        """
        # With the roots, which differ by policy; with the signature, because a token can be copied.
        key = (token, signature, *(authority.der for authority in authorities))
        found = self._timestamps.get(key)
        if found is None:
            found = verify_timestamp(token, signature, authorities, now)
            self._timestamps.put(key, found)
        return found
