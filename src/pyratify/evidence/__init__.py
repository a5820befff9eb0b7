"""Readers and rules of documents: bytes and rules in, findings out; no I/O and no trust."""
