"""Measurements against real peers in the same run; ratios are what counts."""
