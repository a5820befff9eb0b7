"""Certificates, keys, envelopes, timestamps and transparency logs: the formats that verifiers share."""

import warnings

# The input is untrusted: what a library warns of (a country of three letters, a serial number of zero) becomes a refusal where
# it matters, and never a line on standard error.
warnings.filterwarnings("ignore", category=UserWarning, module=r"pyratify\.")
