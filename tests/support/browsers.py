"""Chromium over the DevTools protocol, for the tests of pages."""

import asyncio
import base64
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

SECONDS = 30.0
_SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
_KEYS = {"Enter": 13, "Tab": 9, "Escape": 27, " ": 32, "Home": 36, "End": 35, "ArrowUp": 38, "ArrowDown": 40}


def chromium() -> str:
    """Return the program, or skip the test."""
    found = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("chromium is not installed")
    return found


@dataclass
class Page:
    """A page of a browser.

    Attributes:
        faults: Errors of the console, exceptions, and dialogs that a script opened.
    """

    _socket: "aiohttp.ClientWebSocketResponse"
    faults: list[str] = field(default_factory=list)
    _number: int = 0

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return what the browser answers."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=SECONDS)
            if message.get("id") == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                found: dict[str, Any] = message["result"]
                return found
            self._noticed(message)

    async def open(self, url: str) -> None:
        """Go there."""
        await self.call("Page.navigate", url=url)

    async def evaluate(self, script: str) -> Any:
        """Return the value of an expression, of a promise what it is fulfilled with."""
        found = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    async def until(self, script: str) -> Any:
        """Return the value of an expression as soon as it is true."""
        deadline = asyncio.get_running_loop().time() + SECONDS
        while asyncio.get_running_loop().time() < deadline:
            with contextlib.suppress(RuntimeError):  # between two pages there is nothing to ask
                if found := await self.evaluate(script):
                    return found
            await asyncio.sleep(0.05)
        seen = await self.evaluate("document.body.innerText")
        raise AssertionError(f"never true: {script}\n{seen}\n{self.faults}")

    async def text(self, selector: str) -> str:
        """Return the text of an element as it is shown."""
        found: str = await self.evaluate(f"document.querySelector({selector!r}).innerText")
        return found

    async def press(self, *keys: str) -> None:
        """Press keys one after another."""
        for key in keys:
            about = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
            typed = {"text": "\r"} if key == "Enter" else {"text": " "} if key == " " else {}
            await self.call(
                "Input.dispatchKeyEvent", type="keyDown" if typed else "rawKeyDown", **about, **typed
            )
            await self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    async def type(self, text: str) -> None:
        """Type text into what has the focus."""
        await self.call("Input.insertText", text=text)

    async def dress(self, *, dark: bool, width: int = 1320, height: int = 900) -> None:
        """Choose the scheme of colors and the size."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def picture(self, path: Path) -> None:
        """Write a picture of what is seen."""
        found = await self.call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(path.write_bytes, base64.b64decode(found["data"]))

    def _noticed(self, message: dict[str, Any]) -> None:
        said = message.get("params", {})
        if message["method"] == "Runtime.exceptionThrown":
            self.faults.append(str(said["exceptionDetails"]))
        elif message["method"] == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.faults.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")
        elif message["method"] == "Page.javascriptDialogOpening":
            self.faults.append(f"a dialog: {said['message']}")


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Page]:
    """Start a browser with an empty profile and end it.

    Args:
        folder: Where its profile is.
    """
    program = await asyncio.create_subprocess_exec(
        chromium(), *_SWITCHES, f"--user-data-dir={folder}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    try:
        port = await _port(folder, program)
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
            client.ws_connect(await _target(client), max_msg_size=0) as socket,
        ):
            page = Page(socket)
            for domain in ("Page", "Runtime", "Log"):
                await page.call(f"{domain}.enable")
            yield page
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        await program.wait()


async def _target(client: aiohttp.ClientSession) -> str:
    """Return the address of the page, which a busy machine opens later than the port."""
    deadline = asyncio.get_running_loop().time() + SECONDS
    while asyncio.get_running_loop().time() < deadline:
        async with client.get("/json/list") as answer:
            pages = [each for each in await answer.json() if each["type"] == "page"]
        if pages:
            found: str = pages[0]["webSocketDebuggerUrl"]
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("the browser opened no page")


async def _port(folder: Path, program: asyncio.subprocess.Process) -> int:
    deadline = asyncio.get_running_loop().time() + SECONDS
    while asyncio.get_running_loop().time() < deadline:
        assert program.returncode is None, "the browser ended"
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int((folder / "DevToolsActivePort").read_text().split()[0])
        await asyncio.sleep(0.05)
    raise AssertionError("the browser did not start")
