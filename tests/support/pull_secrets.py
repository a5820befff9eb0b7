"""Private repositories, the Secrets of namespaces that open them, and entry points that read with those."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from manifests.objects import object_of, pod_spec
from pyratify.caches.verdicts import Lifetimes, Verdicts
from pyratify.core.caching import MemoryCache
from pyratify.core.credential import Credential
from pyratify.core.engine import Engine
from pyratify.core.executor import Executor
from pyratify.core.scope import ScopeMap
from pyratify.entrypoints.gatekeeper.provider import Provider, Settings
from pyratify.entrypoints.gatekeeper.request_keys import Namespaces
from pyratify.entrypoints.webhook.admission import Webhook
from pyratify.entrypoints.webhook.rules.watch_rules import FollowedRules
from pyratify.http.transport_asyncio import AsyncioTransport
from pyratify.kubernetes.client.api import Api, object_path
from pyratify.kubernetes.secrets.pod_secrets import PodSecrets
from pyratify.stores.registry.registry_options import RegistryOptions
from pyratify.stores.registry.registry_store import RegistryStore
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.registry import Answer, Hit, RegistrySimulator
from pyratify.testing.registry_auth import basic_credential
from support.providers import BellClock
from support.registries import Credentials
from support.scenes import ONE
from support.webhooks import asked, message, rules

PULL, OLD_PULL = "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"
PASSWORD = "test-only-hunter2"
LOOSE = "rules: [{name: loose, requireDigest: false}]"


@dataclass
class Members:
    """Lets in the users of each repository, all of whom have one password.

    Attributes:
        users: By repository; one that is not named is public.
        stranger: The status for users with the right password whose repository it is not.
    """

    users: dict[str, set[str]] = field(default_factory=dict)
    stranger: int = 401

    def refuse(self, hit: Hit, base: str, repository: str) -> Answer | None:
        """Ask for a member."""
        del base
        if repository not in self.users:
            return None
        user, password = basic_credential(hit.headers.get("authorization", "")) or ("", "")
        if password == PASSWORD and user in self.users[repository]:
            return None
        challenge = (("WWW-Authenticate", 'Basic realm="members"'),)
        return Answer(self.stranger if password == PASSWORD else 401, challenge, b"{}")

    def token(self, hit: Hit) -> Answer:
        """Know no tokens."""
        del hit
        return Answer(404)


def users(registry: RegistrySimulator) -> list[str]:
    """Return the users that asked, in order; an empty name where the access was anonymous."""
    found = (basic_credential(hit.headers.get("authorization", "")) for hit in registry.hits)
    return [each[0] if each else "" for each in found]


def auths(*entries: str) -> dict[str, Any]:
    """Return the entries of a `config.json`, each written as `KEY=USER`."""
    pairs = (entry.rpartition("=") for entry in entries)
    return {key: {"auth": base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()} for key, _, user in pairs}


@dataclass
class Tenants:
    """A registry with private repositories, an API server with Secrets, and what answers from both.

    Attributes:
        registry: Has the images `v1`, signed, of every repository that is used.
        server: The API server.
        members: Who may read what.
        clock: The clock of everything.
        secrets: Reads the Secrets.
        engine: The configuration; its own credentials are `configured`.
        configured: What the configuration itself has for registries.
        verdicts: Shared by all entry points.
    """

    registry: RegistrySimulator
    server: ApiServer
    members: Members
    clock: FakeClock
    secrets: PodSecrets
    engine: Engine
    configured: Credentials
    verdicts: Verdicts

    def repository(self, name: str, *who: str) -> str:
        """Add a repository with a signed image for some users, and return the image."""
        store = self.registry.repository(name)
        store.attach(store.add_image("v1", name.encode()), "application/test")
        if who:
            self.members.users[name] = set(who)
        return f"{self.registry.host}/{name}:v1"

    def secret(self, namespace: str, name: str, *entries: str, kind: str = PULL, **data: str) -> None:
        """Create or replace a Secret with these entries, or with any data."""
        held = auths(*entries)
        document = (
            {".dockercfg": json.dumps(held)}
            if kind == OLD_PULL
            else {".dockerconfigjson": json.dumps({"auths": held})}
        )
        given = {key.replace("__", "."): text for key, text in data.items()} or document
        coded = {key: base64.b64encode(text.encode()).decode() for key, text in given.items()}
        metadata = {"name": name, "namespace": namespace}
        self.server.put("v1", "secrets", {"metadata": metadata, "type": kind, "data": coded})

    def account(self, namespace: str, name: str, *secrets: str) -> None:
        """Create or replace a service account."""
        metadata, names = {"name": name, "namespace": namespace}, [{"name": each} for each in secrets]
        self.server.put("v1", "serviceaccounts", {"metadata": metadata, "imagePullSecrets": names})

    @cached_property
    def webhook(self) -> Webhook:
        """The webhook."""
        followed = FollowedRules(None, self.clock)
        followed.current = rules(LOOSE, self.clock)
        return Webhook(Here(self.engine), self.verdicts, followed, self.clock, None, self.secrets)

    @cached_property
    def provider(self) -> Provider:
        """Gatekeeper's provider."""
        settings = Settings(namespaces=Namespaces.REQUIRED)
        found = Provider(Here(self.engine), self.verdicts, settings, self.clock)
        found.secrets = self.secrets
        return found

    async def allows(self, document: dict[str, Any], **how: Any) -> bool:
        """Return whether the webhook admits an object."""
        response = await asked(self.webhook, document, **how)
        return bool(response["allowed"])

    async def refusal(self, document: dict[str, Any], **how: Any) -> str:
        """Return why the webhook refuses an object."""
        return await message(self.webhook, document, **how)

    def reads(self, plural: str = "secrets") -> list[str]:
        """Return which objects were read, as `namespace/name`."""
        paths = (hit.path.split("/") for hit in self.server.hits)
        return [f"{path[4]}/{path[6]}" for path in paths if len(path) == 7 and path[5] == plural]


@dataclass
class Here:
    """One configuration for every namespace."""

    engine: Engine
    types: Mapping[str, str] = field(default_factory=lambda: {"fake": "notation"})

    def acquire(self, namespace: str) -> Any:
        """Return it."""
        del namespace
        return self

    @asynccontextmanager
    async def used(self) -> AsyncIterator["Here"]:
        """Nothing has to be kept open."""
        yield self


@asynccontextmanager
async def tenants(folder: Path) -> AsyncIterator[Tenants]:
    """Give all of it, with the API server's kubeconfig in a folder, and close it at the end."""
    members, clock = Members(), BellClock()

    async def get(plural: str, name: str, namespace: str) -> Mapping[str, Any]:
        return await api.get(object_path("v1", plural, name, namespace))

    with ApiServer() as server, RegistrySimulator(auth=members) as registry:
        api = Api.connect({"KUBECONFIG": str(server.kubeconfig(folder))})
        settings, configured = RegistryOptions(), Credentials()
        store = RegistryStore(settings, configured, AsyncioTransport(settings, environ={}), clock)
        executor = Executor(
            store=store, verifiers=(FakeVerifier(),), policy=ONE, clock=clock, cache=MemoryCache()
        )
        engine = Engine(ScopeMap([("*", executor)]), "one")
        secrets = PodSecrets(get, clock)
        try:
            yield Tenants(
                registry,
                server,
                members,
                clock,
                secrets,
                engine,
                configured,
                Verdicts(clock, Lifetimes(allowed=600)),
            )
        finally:
            await store.aclose()
            await api.aclose()


def pod_in(namespace: str, image: str, *secrets: str, kind: str = "Pod", **spec: Any) -> dict[str, Any]:
    """Return an object of a namespace whose Pod names these Secrets."""
    named = {"imagePullSecrets": [{"name": each} for each in secrets]} if secrets else {}
    found = object_of(kind, {**pod_spec(containers=(image,)), **named, **spec})
    found["metadata"] = {**found.get("metadata", {}), "namespace": namespace}
    return found


def configured_user(name: str) -> Credential:
    """Return a credential of the configuration."""
    return Credential(name, PASSWORD)
