"""Signatures and what comes with them, decoded for people without judging any of it."""
