"""The HTTP library's own floor: a server over TLS 1.3 that reads the body and answers with the same bytes every time."""

import asyncio
import ssl
import sys
from pathlib import Path

import uvloop
from aiohttp import web


async def serve(pem: Path, body: bytes) -> None:
    """Serve until the process is ended; the first line printed is the address."""

    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(body=body, content_type="application/json")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(pem)
    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    print("{}:{}".format(*runner.addresses[0][:2]), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as running:
        running.run(serve(Path(sys.argv[1]), Path(sys.argv[2]).read_bytes()))
