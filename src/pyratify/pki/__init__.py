"""What several verifiers share: certificates, envelopes."""

import warnings

# What is read here is untrusted: what a library thinks of it (a country of three letters, a serial number of zero) becomes a
# refusal where it matters, and never a line on standard error.
warnings.filterwarnings("ignore", category=UserWarning, module=r"pyratify\.")
