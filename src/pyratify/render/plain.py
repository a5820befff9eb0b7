"""Public names for renderers: the escaping of untrusted text, as `core.text` defines it."""

from pyratify.core.text import MAX_FIELD, MAX_REFERENCE, MAX_REPORT, bounded, clean

__all__ = ["MAX_FIELD", "MAX_REFERENCE", "MAX_REPORT", "bounded", "clean"]
