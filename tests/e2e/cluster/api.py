"""A small client of the Kubernetes API that keeps what the tests ask about: status, message and warnings."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import urlencode

Document = dict[str, Any]

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


class Refused(Exception):
    """The API server, or an admission webhook behind it, said no.

    Attributes:
        code: The HTTP status.
        message: The message that kubectl would show.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


@dataclass(frozen=True)
class Api:
    """Talks to an API server with documents, as kubectl does with files.

    Attributes:
        url: Its address.
        context: The authorities that are trusted.
        token: The bearer token.
        dry_run: Whether the server only says what it would do.
        warnings: Every warning that the server has sent, oldest first.
    """

    url: str
    context: ssl.SSLContext
    token: str
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)
    _places: dict[str, dict[str, Document]] = field(default_factory=dict)

    def trying(self) -> Self:
        """Return a client whose writes are server-side dry runs."""
        return replace(self, dry_run=True)

    def create(self, document: Mapping[str, Any]) -> Document:
        """Create an object and return what the server made of it.

        Raises:
            Refused: It was not created.
        """
        return self.ask("POST", self._place(document, named=False), document)

    def apply(self, *documents: Mapping[str, Any]) -> Document:
        """Apply objects on the server and return the last.

        Raises:
            Refused: One was not applied.
        """
        found: Document = {}
        for document in documents:
            path = self._place(document) + "?" + urlencode({"fieldManager": "e2e", "force": "true"})
            found = self.ask("PATCH", path, document, APPLY)
        return found

    def patch(self, document: Mapping[str, Any], sub: str = "", media: str = MERGE) -> Document:
        """Merge a document into the object that it names, or into a subresource of it.

        Raises:
            Refused: It was not changed.
        """
        return self.ask("PATCH", self._place(document, sub=sub), document, media)

    def get(self, document: Mapping[str, Any]) -> Document:
        """Return the object that a document names.

        Raises:
            Refused: There is none (404), or it must not be seen.
        """
        return self.ask("GET", self._place(document))

    def delete(self, *documents: Mapping[str, Any]) -> None:
        """Delete objects; those that are gone are no error."""
        for document in documents:
            try:
                self.ask("DELETE", self._place(document))
            except Refused as error:
                if error.code != 404:
                    raise

    def all(self, version: str, kind: str, namespace: str = "") -> list[Document]:
        """Return all objects of a kind."""
        document = {"apiVersion": version, "kind": kind, "metadata": {"namespace": namespace}}
        items: list[Document] = self.ask("GET", self._place(document, named=False))["items"]
        return items

    def knows(self, version: str, kind: str) -> bool:
        """Return whether the server serves a kind, asking it again."""
        self._places.pop(version, None)
        return kind in self._kinds(version)

    def ask(self, method: str, path: str, body: Any = None, media: str = "application/json") -> Document:
        """Send a request and return the answer's document.

        Raises:
            Refused: The status is not a good one.
        """
        if self.dry_run and method != "GET":
            path += ("&" if "?" in path else "?") + "dryRun=All"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": media}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=30) as response:
                self.warnings.extend(response.headers.get_all("Warning") or ())
                found: Document = json.load(response)
                return found
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, _message(error.read())) from None

    def _kinds(self, version: str) -> dict[str, Document]:
        if version not in self._places:
            root = "/apis/" if "/" in version else "/api/"
            try:
                found = self.ask("GET", root + version)["resources"]
            except Refused:
                found = []
            self._places[version] = {
                item["kind"]: item for item in reversed(found) if "/" not in item["name"]
            }
        return self._places[version]

    def _place(self, document: Mapping[str, Any], *, named: bool = True, sub: str = "") -> str:
        version, kind, metadata = document["apiVersion"], document["kind"], document.get("metadata", {})
        if kind not in self._kinds(version) and not self.knows(version, kind):
            raise Refused(404, f"the server does not know {kind} of {version}")
        resource = self._kinds(version)[kind]
        namespace = metadata.get("namespace", "")
        where = f"/namespaces/{namespace}" if resource["namespaced"] and namespace else ""
        root = "/apis/" if "/" in version else "/api/"
        name = f"/{metadata['name']}" if named else ""
        return f"{root}{version}{where}/{resource['name']}{name}" + (f"/{sub}" if sub else "")


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")
