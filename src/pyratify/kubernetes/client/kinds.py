"""The kinds of `config.ratify.sh/v2alpha1`, and their status."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from pyratify.core.dataclass import dataclass

GROUP = "config.ratify.sh"
VERSION = "v2alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
MAX_BRIEF = 100  # a column of `kubectl get` shows it
Generation = Annotated[int, Meta(ge=0)]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource.

    Attributes:
        name: Its name, as `Executor`.
        plural: Its plural, as paths have it.
        namespaced: Whether its resources belong to namespaces.
        summary: Its description in the definition.
    """

    name: str
    plural: str
    namespaced: bool
    summary: str

    @property
    def crd_name(self) -> str:
        """The name of its CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"


EXECUTOR = Kind(
    "Executor", "executors", False, "Decides about the images of some scopes, for the whole cluster."
)
NAMESPACED_EXECUTOR = Kind(
    "NamespacedExecutor",
    "namespacedexecutors",
    True,
    "Decides about the images of some scopes, for its own namespace; where there is one, no Executor does.",
)
KINDS = (EXECUTOR, NAMESPACED_EXECUTOR)


class Condition(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One condition, as `metav1.Condition`.

    Attributes:
        type: Its name, as `Ready`.
        status: Whether it holds.
        reason: A stable reason code.
        message: One sentence.
        observed_generation: The generation of the resource that was observed.
        last_transition_time: The time of the last change of `status` (RFC 3339).
    """

    type: Annotated[str, Meta(max_length=316)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, Meta(min_length=1, max_length=1024)]
    message: Annotated[str, Meta(max_length=32768)]
    last_transition_time: str
    observed_generation: Generation = 0


class Status(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The status of a resource.

    Attributes:
        succeeded: Whether its current specification is in service.
        error: Why not.
        brief_error: The beginning of `error`.
        observed_generation: The generation of the resource that was observed.
        conditions: `Ready`: whether its current specification is in service.
    """

    succeeded: bool
    error: str = ""
    brief_error: str = ""
    observed_generation: Generation = 0
    conditions: tuple[Condition, ...] = ()
