"""A body that arrives in pieces."""

_SMALL = 4096  # bytes; smaller pieces are copied together, or each would cost an object


class ArrivingBody:
    """Keeps the pieces as they come and joins them once: each copy of a large body is a millisecond of the event loop."""

    def __init__(self) -> None:
        self._size = 0
        self._pieces: list[bytes] = []
        self._small = bytearray()

    def __len__(self) -> int:
        return self._size

    def add(self, piece: bytes) -> None:
        """Add the next piece."""
        self._size += len(piece)
        if len(piece) < _SMALL:
            self._small += piece
            return
        self._flush()
        self._pieces.append(piece)

    def joined(self, most: int | None = None) -> bytes:
        """Return what has come, at most so many bytes of it."""
        self._flush()
        # In their place: the reader may live on for a while, and must not hold a large body twice.
        self._pieces = [b"".join(self._pieces)]
        return self._pieces[0][:most]

    def _flush(self) -> None:
        if self._small:
            self._pieces.append(bytes(self._small))
            self._small.clear()
