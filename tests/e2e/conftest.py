"""One cluster of real programs for the whole session; every test has namespaces of its own in it.

- `api_server`: a real API server (`cluster.apiserver.ApiServer`): `.api` creates, applies, gets and deletes documents and raises
  `Refused` with the server's own message; `.kubeconfig` and `.kubeconfig_of(namespace, account)` are files for programs and for
  lightkube (`KubeConfig.from_file`); `.namespace(name, **labels)` makes a namespace; `.kubectl(...)` runs kubectl.
- `namespace`: a new namespace that no webhook looks at.
- `gatekeeper`: the real Gatekeeper with nothing to enforce yet; `provider`: `ratify gatekeeper serve` behind mutual TLS, with Provider
  resources, and template, constraint and mutations of `deploy/templates` in force; `admitting`, `mutating`: new namespaces in which
  they decide.
- `tenants`: a second provider that follows Executors and NamespacedExecutors: `.apply(executor(...))` waits for their status.
- `images`: a registry with the signed and unsigned images of `examples/material`.

Where `make peers` has not been run, tests that ask for these are skipped.
"""

from collections.abc import Iterator
from itertools import count

import pytest

from e2e.cluster import apiserver, bats, executors, policies, programs
from e2e.cluster import gatekeeper as gatekeepers
from e2e.cluster import images as registries
from e2e.cluster import provider as providers
from e2e.cluster.api import Document

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apiserver.ApiServer]:
    """A real API server, ready; one for the session."""
    if absent := programs.missing(*apiserver.NEEDED):
        pytest.skip(f"run `make peers` first: there is no {', '.join(absent)}")
    with apiserver.api_server(tmp_path_factory.mktemp("apiserver")) as server:
        yield server


@pytest.fixture
def namespace(api_server: apiserver.ApiServer) -> str:
    """A new namespace that no webhook looks at."""
    return api_server.namespace(f"trial-{next(_NUMBERS)}")


@pytest.fixture(scope="session")
def gatekeeper(
    api_server: apiserver.ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[gatekeepers.Gatekeeper]:
    """Gatekeeper, deciding the admissions of namespaces that `admitting` makes; one for the session."""
    if absent := programs.missing(*gatekeepers.NEEDED):
        pytest.skip(f"run `make peers` first: there is no {', '.join(absent)}")
    with gatekeepers.gatekeeper(api_server, tmp_path_factory.mktemp("gatekeeper")) as found:
        yield found


@pytest.fixture(scope="session")
def images() -> Iterator[registries.Images]:
    """A registry with the images of `examples/material`: `images["cosign-v3"]` is a reference; one for the session."""
    if absent := programs.missing(*registries.NEEDED):
        pytest.skip(f"run `make peers` first: there is no {', '.join(absent)}")
    with registries.images() as found:
        yield found


@pytest.fixture(scope="session")
def provider(
    api_server: apiserver.ApiServer,
    gatekeeper: gatekeepers.Gatekeeper,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[providers.Provider]:
    """The provider, asked by Gatekeeper for every Pod and workload; one for the session.

    A test that changes it changes it back.
    """
    folder = tmp_path_factory.mktemp("provider")
    with providers.provider(gatekeeper.authority, folder, providers.SIGNED_BY_EITHER) as found:
        api_server.api.apply(*found.resources())
        policies.put_in_force(
            api_server.api,
            policies.template("default"),
            policies.constraint("default", policies.DEFAULT, policies.MUTATED),
            *policies.mutations(policies.MUTATED),
        )
        yield found


@pytest.fixture(scope="module")
def tenants(
    api_server: apiserver.ApiServer,
    gatekeeper: gatekeepers.Gatekeeper,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[executors.Tenants]:
    """A second provider, which follows Executors and NamespacedExecutors, asked for every namespace of a tenant; one for a
    module, for it reports on all executors that anybody makes. There are no executors but those that a test applies, and it takes them away again.
    """
    with executors.tenants(api_server, gatekeeper, tmp_path_factory.mktemp("tenants")) as found:
        yield found


@pytest.fixture
def admitting(api_server: apiserver.ApiServer, provider: providers.Provider) -> str:
    """A new namespace whose admissions Gatekeeper decides with the provider."""
    return api_server.namespace(f"admitting-{next(_NUMBERS)}", **{policies.LABEL: policies.DEFAULT})


@pytest.fixture
def mutating(api_server: apiserver.ApiServer, provider: providers.Provider) -> str:
    """A new namespace whose admissions Gatekeeper decides, and where it pins tags before."""
    return api_server.namespace(f"mutating-{next(_NUMBERS)}", **{policies.LABEL: policies.MUTATED})


@pytest.fixture
def base(tenants: executors.Tenants, images: registries.Images) -> Iterator[Document]:
    """The Executor that Ratify's chart makes: notation and cosign, one of them suffices."""
    document = executors.executor(
        bats.NAME, providers.notation("ca"), providers.COSIGN, scopes=(images.repository.name,)
    )
    assert tenants.apply(document)["succeeded"] is True
    yield document
    tenants.server.api.delete(document)


@pytest.fixture
def default(tenants: executors.Tenants) -> str:
    """A namespace in the place of `default`."""
    return tenants.namespace(f"default-{next(_NUMBERS)}")
