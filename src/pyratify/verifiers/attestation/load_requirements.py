"""From the parameters of a verifier of type `attestation` to what it requires of statements."""

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Resources
from pyratify.verifiers.attestation.attestation_options import AttestationOptions, RuleOptions
from pyratify.verifiers.attestation.make_requirement import make_requirement
from pyratify.verifiers.attestation.requirement import Requirement
from pyratify.verifiers.attestation.rules import RULES


async def load_requirements(options: AttestationOptions, resources: Resources) -> tuple[Requirement, ...]:
    """Return the requirements, all of which must be satisfied by what is attached.

    Raises:
        ConfigurationError: As `load_requirement`; rules beside the list, or two of one name.
    """
    if not options.requirements:
        return (await load_requirement(options, "", resources),)
    check_alone(options, "requirements")
    found = [
        await load_requirement(each, f"requirements[{index}]", resources, each.name)
        for index, each in enumerate(options.requirements)
    ]
    names = [each.name for each in found]
    for index, name in enumerate(names):
        # What is satisfied is counted by name: one of them would stand in for the other.
        if name in names[:index]:
            raise ConfigurationError(
                f"a second requirement is called {name[:80]!r}",
                path=f"requirements[{index}].name",
                remedy="Give each a name of its own.",
            )
    return tuple(found)


def check_alone(options: RuleOptions, path: str) -> None:
    """Refuse rules that stand beside others which take their place.

    Raises:
        ConfigurationError: With the path of the others.
    """
    # Not by truth: an empty rule that is written is a mistake too, and must not be passed over.
    beside = [name for name in RULES if getattr(options, _member(name)) is not None]
    if beside or options.predicate_types or options.any_content:
        raise ConfigurationError(
            f"stands beside {(*beside, 'predicateTypes')[0]}: which of them holds for a statement would not be clear",
            path=path,
            remedy="Write all rules as entries of requirements, or all beside one another.",
        )


async def load_requirement(
    options: RuleOptions, path: str, resources: Resources, name: str = ""
) -> Requirement:
    """Return what the options require; errors as in `make_requirement`."""
    written = {rule: value for rule in RULES if (value := getattr(options, _member(rule))) is not None}
    return await make_requirement(
        written, options.predicate_types, path, resources, any_content=options.any_content, name=name
    )


def _member(name: str) -> str:
    """Return the member of `RuleOptions` for a parameter's name."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
