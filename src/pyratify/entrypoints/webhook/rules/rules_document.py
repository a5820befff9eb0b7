"""The document of rules: which objects are judged how strictly, and which images are excepted until when."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from pyratify.config.schema import ExceptionConfig, Name, Namespace
from pyratify.entrypoints.webhook.rules.selectors import LabelSelector, NamespacePattern

Step = Annotated[str, Meta(min_length=2, max_length=200, pattern=r"^(?:/[A-Za-z0-9_-]+)+(?!\n)$")]


class Mode(StrEnum):
    """What follows when an image must not be run."""

    AUDIT = "audit"
    WARN = "warn"
    DENY = "deny"


class UnknownKinds(StrEnum):
    """The decision on objects of kinds that are not known to hold images."""

    DENY = "deny"
    ALLOW = "allow"


class RuleConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One rule.

    Attributes:
        name: What messages call it.
        namespaces: Names of namespaces, with stars.
        exclude_namespaces: Names that are left out again.
        namespace_selector: Labels of the namespace; all when omitted.
        kinds: Kinds, as `Pod` or `Deployment.apps`; all when empty.
        object_selector: Labels of the object; all when omitted.
        mode: What follows when an image must not be run.
        require_digest: Whether an image has to be named by digest.
    """

    name: Name
    namespaces: Annotated[tuple[NamespacePattern, ...], Meta(min_length=1)] = ("*",)
    exclude_namespaces: tuple[NamespacePattern, ...] = ()
    namespace_selector: LabelSelector | None = None
    kinds: tuple[Name, ...] = ()
    object_selector: LabelSelector | None = None
    mode: Mode = Mode.DENY
    require_digest: bool = True  # a tag may be moved between the decision and the pull


class NamespacedException(
    ExceptionConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """An image that is admitted for a time though it must not be run.

    Attributes:
        namespaces: Names of namespaces, in full.
    """

    namespaces: Annotated[tuple[Namespace, ...], Meta(min_length=1)]


class PodTemplateConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Where another kind keeps the specification of a Pod.

    Attributes:
        group: Its API group.
        kind: Its name.
        path: A path as `/spec/template/spec`.
    """

    group: Name
    kind: Name
    path: Step = "/spec/template/spec"


class RulesConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The whole document.

    Attributes:
        rules: At least one; of several that match the strictest counts, and where none does nothing is admitted.
        exceptions: Images that are excepted.
        unknown_kinds: The decision on objects of unknown kinds.
        verify_unchanged: Whether an update is judged by the images, too, that it does not change.
        pod_templates: Where other kinds keep the specification of a Pod.
        max_images: How many different images an object may have.
    """

    rules: Annotated[tuple[RuleConfig, ...], Meta(min_length=1)] = (RuleConfig(name="default"),)
    exceptions: tuple[NamespacedException, ...] = ()
    unknown_kinds: UnknownKinds = UnknownKinds.DENY  # custom resources may hold Pods
    verify_unchanged: bool = False
    pod_templates: tuple[PodTemplateConfig, ...] = ()
    max_images: Annotated[int, Meta(ge=1, le=1000)] = 64
