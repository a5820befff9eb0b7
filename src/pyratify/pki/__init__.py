"""What several verifiers share: certificates, envelopes."""
