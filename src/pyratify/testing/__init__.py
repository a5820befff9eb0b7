"""The public test kit: fakes, signers and contract tests for plugin authors."""
