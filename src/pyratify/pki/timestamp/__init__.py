"""Timestamps of RFC 3161, as countersignatures: parsed strictly, verified, and traced to a trusted authority."""
