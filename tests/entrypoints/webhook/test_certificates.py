"""Where the webhook publishes its certificates."""

from argparse import ArgumentParser

import pytest

from pyratify.entrypoints.webhook.webhook_flags import add_flags


@pytest.mark.parametrize(
    ("arguments", "name"), [((), "ratify-webhook"), (("--webhook-configuration", "mine"), "mine")]
)
def test_both_configurations_are_told(arguments: tuple[str, ...], name: str) -> None:
    """The validating and the mutating one, under the name that the manifests give them or another."""
    parser = ArgumentParser()
    add_flags(parser)
    flags = parser.parse_args(arguments)
    assert [str(target) for target in flags.tells(flags)] == [
        f"ValidatingWebhookConfiguration {name}",
        f"MutatingWebhookConfiguration {name}",
    ]
