"""Ask a server of TLS for its certificate: `served.py HOST PORT AUTHORITY` fails where the authority does not vouch for it."""

import socket
import ssl
import sys
import time

SECONDS = 60


def main(host: str, port: str, authority: str) -> int:
    """Try until it is served, a minute at most, and return the exit code."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            context = ssl.create_default_context(cafile=authority)
            with (
                socket.create_connection((host, int(port)), timeout=5) as connection,
                context.wrap_socket(connection, server_hostname=host) as secure,
            ):
                print(f"{host}:{port} is served over {secure.version()}, and its certificate is trusted")
                return 0
        except OSError as error:
            if time.monotonic() >= until:
                print(f"{host}:{port}: {error}", file=sys.stderr)
                return 1
            time.sleep(2)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
