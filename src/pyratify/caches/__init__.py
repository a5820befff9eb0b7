"""Verdicts that several processes share: signed entries in a Redis or Valkey that nobody needs to trust."""
