"""What renderers make untrusted text safe with; the core writes its own documents with the same."""

from pyratify.core.text import MAX_FIELD, MAX_REFERENCE, MAX_REPORT, bounded, clean

__all__ = ["MAX_FIELD", "MAX_REFERENCE", "MAX_REPORT", "bounded", "clean"]
