"""The rule `tagMatchesRef`, for verifiers of signatures and of attestations."""

import asyncio
from typing import TYPE_CHECKING

from pyratify.core.errors import ConfigurationError

if TYPE_CHECKING:
    from pyratify.core.plugin import Resources
    from pyratify.evidence.tag_rule import TagJudge, TagOptions


async def load_tag_judge(options: "TagOptions", path: str, resources: "Resources") -> "TagJudge":
    """Return the judge for the rule.

    Raises:
        ConfigurationError: The expression cannot be used, or the reference does not follow from it.
    """
    from pyratify.evidence.tag_rule import TagJudge, check_tag_options
    from pyratify.sigstore.expression import InvalidPattern, compile_pattern
    from pyratify.sigstore.load_trust_policy import below, spend_expressions

    try:
        pattern = await asyncio.to_thread(compile_pattern, options.tag, capture=True)
        spend_expressions(pattern.size, resources)
    except InvalidPattern as error:
        raise ConfigurationError(
            f"{options.tag[:100]!a} is no expression that can be used: {error}", path=f"{path}.tag"
        ) from None
    except ConfigurationError as error:
        raise below(f"{path}.tag", error) from error
    check_tag_options(options, pattern.groups, path)
    return TagJudge(options, pattern.captures)
