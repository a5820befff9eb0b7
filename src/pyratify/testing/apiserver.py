"""An API server over real HTTP on 127.0.0.1, for tests: any kind of object, watches, conflicts, and faults on demand.

```python
with ApiServer() as api:
    api.put("v1", "secrets", {"metadata": {"name": "tls", "namespace": "ratify"}, "data": {}})
    os.environ["KUBECONFIG"] = str(api.kubeconfig(tmp_path))
    ...
    api.compact()      # watches from an older version are answered with 410 Gone
    api.disconnect()   # every connection ends, also within an answer
    api.refuse(503, method="PATCH", times=2)
    assert api.get("v1", "secrets", "tls", "ratify")["data"] == {...}
```
"""

import json
import ssl
import threading
from dataclasses import field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pyratify.core.dataclass import dataclass
from pyratify.testing.apiserver_http import Hit, Listener
from pyratify.testing.apiserver_objects import Object, Objects, Place, StatusError

__all__ = ["ApiServer", "Hit"]
TOKEN = "test-only"  # noqa: S105 - opens nothing


@dataclass
class _Fault:
    status: int
    method: str
    path: str
    times: int


@dataclass
class ApiServer:
    """An API server that listens from construction until it is closed; a context manager.

    Args:
        tls: A server's TLS context, as `pyratify.testing.tls.Authority` makes; plain http when omitted.

    Attributes:
        hits: All requests, in order.
        absent: Kinds (`api/plural`) whose definition is not installed: 404.
        gone_in_stream: Whether 410 is an event within the watch, instead of the status of its answer.
        host: Host and port.
    """

    tls: ssl.SSLContext | None = None
    hits: list[Hit] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    gone_in_stream: bool = False
    objects: Objects = field(default_factory=Objects)
    _faults: list[_Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._listener = Listener(self, self.tls)
        self.host = f"127.0.0.1:{self._listener.server_address[1]}"
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every connection and every thread."""
        self._listener.stop()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self.tls else 'http'}://{self.host}"

    def kubeconfig(self, folder: Path, ca_pem: str = "") -> Path:
        """Write a kubeconfig with which clients find this server, and return its path."""
        cluster: dict[str, Any] = {"server": self.url}
        if ca_pem:
            (folder / "apiserver-ca.pem").write_text(ca_pem)
            cluster["certificate-authority"] = str(folder / "apiserver-ca.pem")
        context = {"cluster": "test", "user": "test", "namespace": "ratify"}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": TOKEN}}],
            "contexts": [{"name": "test", "context": context}],
        }
        path = folder / "kubeconfig"
        path.write_text(json.dumps(document))
        return path

    def put(self, api: str, plural: str, given: Object) -> Object:
        """Create or replace an object, as another client would, and return it."""
        meta = given["metadata"]
        place = Place(api, plural, meta.get("namespace", ""), meta["name"])
        try:
            old = self.objects.get(place)
        except StatusError:
            return self.objects.create(place, given)
        # An unconditional update: a stale resourceVersion in the given object would be answered with 409.
        meta = {key: value for key, value in meta.items() if key != "resourceVersion"}
        return self.objects.replace(place, {**old, **given, "metadata": meta})

    def get(self, api: str, plural: str, name: str, namespace: str = "") -> Object:
        """Return an object.

        Raises:
            KeyError: There is none.
        """
        try:
            return self.objects.get(Place(api, plural, namespace, name))
        except StatusError:
            raise KeyError(name) from None

    def list(self, api: str, plural: str, namespace: str = "") -> list[Object]:
        """Return the objects of a kind, of all namespaces when none is given."""
        return self.objects.listed(Place(api, plural, namespace))

    def remove(self, api: str, plural: str, name: str, namespace: str = "") -> None:
        """Delete an object, as another client would."""
        self.objects.delete(Place(api, plural, namespace, name))

    def compact(self) -> None:
        """Forget the history: watches from an older version are answered with 410, also those under way."""
        self.objects.compact()

    def disconnect(self) -> None:
        """End every connection."""
        self._listener.hang_up()

    def refuse(self, status: int, *, method: str = "", path: str = "", times: int = 1) -> None:
        """Answer the next requests with that status; 0 ends the connection instead.

        Args:
            status: The HTTP status.
            method: Only requests of this method.
            path: Only requests with this in their path.
            times: How many.
        """
        # Requests come in threads of their own, and a test adds faults while they do.
        with self._lock:
            self._faults.append(_Fault(status, method, path, times))

    def recover(self) -> None:
        """Forget the answers that `refuse` still has to give."""
        with self._lock:
            self._faults.clear()

    def fault(self, hit: Hit) -> int | None:
        """Note a request and return the status that it is refused with; None for none."""
        with self._lock:
            self.hits.append(hit)
            for each in self._faults:
                if each.times > 0 and each.method in ("", hit.method) and each.path in hit.path:
                    each.times -= 1
                    return each.status
        return None
