"""One cluster of real programs for the whole session; every test has namespaces of its own in it.

- `api_server`: a real API server (`cluster.apiserver.ApiServer`): `.api` creates, applies, gets and deletes documents and raises
  `Refused` with the server's own message; `.kubeconfig` and `.kubeconfig_of(namespace, account)` are files for programs and for
  lightkube (`KubeConfig.from_file`); `.namespace(name, **labels)` makes a namespace; `.kubectl(...)` runs kubectl.
- `namespace`: a new namespace that no webhook looks at.

Where `make peers` has not been run, tests that ask for these are skipped.
"""

from collections.abc import Iterator
from itertools import count

import pytest

from e2e.cluster import apiserver, programs
from e2e.cluster import gatekeeper as gatekeepers

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


@pytest.fixture
def admitting(api_server: apiserver.ApiServer, gatekeeper: gatekeepers.Gatekeeper) -> str:
    """A new namespace whose admissions Gatekeeper decides."""
    return api_server.namespace(f"admitting-{next(_NUMBERS)}", **{gatekeepers.LABEL: gatekeepers.WATCHED})
