"""Parse HTTP/1.1 responses (RFC 9112) strictly, without any I/O.

Unknown syntax is refused, and so is every response that two parsers could read differently. No announced length is
trusted: a body is read up to its limit and one byte more. Chunk framing is bounded, too, so that tiny chunks and endless
extensions come to an end.
"""

import re

from pyratify.core.reason import Reason
from pyratify.http.arriving_body import ArrivingBody
from pyratify.http.response_checks import (
    ConnectionLost,
    check_end,
    check_framing,
    check_headers,
    malformed,
    too_large,
)
from pyratify.http.transport import ERROR_BYTES, Headers, Request, Response

# RFC 9112 sets no bounds: without them a head, a line or a row of 1xx answers could go on for ever.
_MAX_HEAD = 64 * 1024
_MAX_LINE = 512
_MAX_INTERIM = 4
# Bytes above 0x7f are obs-text (RFC 9110 5.5); of the control characters a tab alone may stand in a value.
_TEXT = rb"[\t\x20-\x7e\x80-\xff]*"
_NAME = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# Only CRLF ends a line, though RFC 9112 2.2 lets a reader take a bare LF: not every parser does. No blank
# before the colon (5.1) and no folded line (5.2) for the same reason.
_HEAD = re.compile(
    rb"HTTP/1\.(?P<minor>[01]) (?P<status>[1-5][0-9]{2})(?: " + _TEXT + rb")?\r\n"
    rb"(?P<fields>(?:" + _NAME + rb":" + _TEXT + rb"\r\n){0,128})\r\n"
)
# Blanks around the value are stripped later: an expression for them would try a long run of blanks again at each of them.
_FIELD = re.compile(rb"(" + _NAME + rb"):([^\r]*)\r\n")
# Fifteen digits: RFC 9112 7.1 warns of sizes that overflow. Extensions (7.1.1) are read over, never used.
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[\t\x20-\x7e]*)?")
_WITHOUT_BODY = (204, 304)


class Reader:
    """Reads the answer to one request, piece by piece.

    Args:
        request: The request that is answered.

    Attributes:
        reusable: Once there is an answer, whether the connection can be used again.
    """

    def __init__(self, request: Request) -> None:
        self.reusable = False
        self._request = request
        self._data = bytearray()
        self._body = ArrivingBody()
        self._status = 0
        self._headers = Headers()
        self._interim = 0
        self._keep = False
        self._limit = 0
        self._announced: int | None = None
        self._chunked = False
        self._left = 0
        self._framing = 0
        self._between = False
        self._last = False

    def feed(self, data: bytes) -> Response | None:
        """Take what has come; return the answer once it is whole.

        Raises:
            StoreError: As in `Transport`.
        """
        if self._status and not self._chunked:
            return self._take_body(data)  # most bytes come here: they are not copied before the body is whole
        self._data += data
        while not self._status:
            if not self._take_head():
                return None
        if self._chunked:
            return self._take_chunks()
        rest = bytes(self._data)
        self._data.clear()
        return self._take_body(rest)

    def end(self) -> Response:
        """Take the end of the connection; return the answer that it ends.

        Raises:
            StoreError: There is none, or it is not whole.
        """
        if not self._status or self._chunked:
            # Not one byte came: the usual end of an idle connection, so the request may be sent again.
            if not self._data and not self._status:
                where = self._request.url.origin.authority
                raise ConnectionLost(Reason.REGISTRY_UNREACHABLE, f"{where} closed the connection")
            raise malformed(self._request.url, "it ends too early")
        check_end(self._request, len(self._body), self._announced)
        return self._finish(reusable=False)

    def _take_head(self) -> bool:
        end = self._data.find(b"\r\n\r\n", 0, _MAX_HEAD)
        if end < 0:
            if len(self._data) >= _MAX_HEAD:
                raise malformed(self._request.url, "its header is too long")
            return False
        head = bytes(self._data[: end + 4])
        del self._data[: end + 4]
        match = _HEAD.fullmatch(head)
        if match is None:
            raise malformed(self._request.url, "its header cannot be read")
        status = int(match["status"])
        # Interim answers are to be read past (RFC 9110 15.2); 101 accepts an upgrade that is never asked for.
        if status < 200:
            self._interim += 1
            if status == 101 or self._interim > _MAX_INTERIM:
                raise malformed(self._request.url, f"status {status}")
            return True
        headers = Headers(
            tuple(
                (name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1"))
                for name, value in _FIELD.findall(match["fields"])
            )
        )
        self._frame(status, headers, match["minor"] == b"1")
        return True

    def _frame(self, status: int, headers: Headers, modern: bool) -> None:
        """Decide how the body is delimited (RFC 9112, section 6.3)."""
        self._announced = check_headers(self._request, status, headers)
        self._status, self._headers = status, headers
        # The body of an error is only quoted in messages, so the limit of the content does not apply.
        self._limit = self._request.limit if status == 200 else ERROR_BYTES
        codings = headers.get_all("transfer-encoding")
        # In HTTP/1.0 the field means faulty framing (RFC 9112 6.1); an unknown coding hides the body's end.
        if codings and (len(codings) > 1 or codings[0].lower() != "chunked" or not modern):
            raise malformed(self._request.url, "an unknown Transfer-Encoding")
        self._chunked = bool(codings)
        # These end with their header whatever it announces (RFC 9112 6.3, items 1 and 2).
        is_tunnel = self._request.method == "CONNECT" and status == 200
        if status in _WITHOUT_BODY or is_tunnel:
            self._chunked, self._announced = False, 0
        connection = ",".join(headers.get_all("connection")).lower()
        # HTTP/1.0 keeps no connection reliably; one closed in excess costs a handshake only. A tunnel is open whatever
        # version and Connection field the proxy answers with (RFC 9110 9.3.6).
        self._keep = is_tunnel or (modern and "close" not in connection)

    def _take_body(self, data: bytes) -> Response | None:
        room = self._limit + 1 - len(self._body)
        if self._announced is not None:
            room = min(room, self._announced - len(self._body))
        self._body.add(data[:room])
        if len(self._body) > self._limit:
            return self._overflow()
        if self._announced is not None and len(self._body) == self._announced:
            # Bytes after the body would be read as the answer to the next request (response smuggling).
            return self._finish(reusable=self._keep and len(data) <= room)
        return None

    def _take_chunks(self) -> Response | None:
        """Read chunks (RFC 9112, section 7.1); with trailer fields the connection is not used again."""
        while not self._last:
            if self._left:
                part = bytes(self._data[: min(self._left, self._limit + 1 - len(self._body))])
                self._body.add(part)
                del self._data[: len(part)]
                self._left -= len(part)
                if len(self._body) > self._limit:
                    return self._overflow()
            line = None if self._left else self._line()
            if line is None:
                return None
            self._take_line(line)
        # Trailer fields (RFC 9112 7.1.2) are dropped unread, and the connection with them.
        return self._finish(reusable=self._keep and self._data == b"\r\n")

    def _take_line(self, line: bytes) -> None:
        """Take a chunk's size, or the end of the line that follows a chunk."""
        if self._between:
            if line:
                raise malformed(self._request.url, "a chunk does not end where it should")
            self._between = False
            return
        match = _CHUNK.fullmatch(line)
        if match is None:
            raise malformed(self._request.url, "a chunk has no size")
        self._left = int(match[1], 16)
        if self._status == 200 and len(self._body) + self._left > self._limit:
            raise too_large(self._request, len(self._body) + self._left)
        self._last = self._left == 0
        self._between = not self._last

    def _line(self) -> bytes | None:
        end = self._data.find(b"\r\n", 0, _MAX_LINE)
        if end < 0:
            if len(self._data) >= _MAX_LINE:
                raise malformed(self._request.url, "a line is too long")
            return None
        line = bytes(self._data[:end])
        del self._data[: end + 2]
        self._framing += end + 2
        check_framing(self._request.url, self._framing, len(self._body))
        return line

    def _overflow(self) -> Response:
        if self._status != 200:
            return self._finish(reusable=False)
        raise too_large(self._request)

    def _finish(self, *, reusable: bool) -> Response:
        self.reusable = reusable
        # The body of an error may have come with a byte too many, which is how its excess is noticed.
        return Response(self._status, self._headers, self._body.joined(self._limit), self._request.url)
