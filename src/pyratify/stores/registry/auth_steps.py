"""What the generators of authentication yield, and what they need to know."""

from collections.abc import Generator
from enum import Enum
from typing import Any

from pyratify.core.credential import Credential
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.transport import Request, Response
from pyratify.stores.registry.token_cache import Memory


class Wanted(Enum):
    """What the generator needs and cannot ask the network for."""

    CREDENTIAL = "credential"


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request to a token server; equal ones at the same time need to be made only once.

    Attributes:
        request: The request.
    """

    request: Request


@dataclass(frozen=True, slots=True)
class Renewal:
    """A refused credential that expires, in place of which another one is wanted.

    Attributes:
        refused: The credential.
    """

    refused: Credential


class CredentialRefused(StoreError):
    """The registry or its token server refuses the credential itself.

    Attributes:
        credential: The credential.
    """

    def __init__(self, reason: Reason, message: str, credential: Credential) -> None:
        super().__init__(reason, message)
        self.credential = credential


Step = Request | TokenRequest | Wanted | Renewal
Flow = Generator[Step, Any, Response]


@dataclass(frozen=True, slots=True)
class Access:
    """The registry and repository that a read needs access to.

    Attributes:
        registry: The canonical registry.
        repository: The repository; the only scope ever asked for is pulling from it.
        auth_realms: Token servers that the configuration allows.
        memory: What is known of registries.
    """

    registry: str
    repository: str
    auth_realms: tuple[str, ...]
    memory: Memory

    @property
    def scope(self) -> str:
        """What a token is asked for."""
        # Pulling alone, whatever a challenge names: a token that leaks cannot push.
        return f"repository:{self.repository}:pull"
