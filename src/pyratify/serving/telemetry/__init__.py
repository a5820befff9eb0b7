"""Metrics, traces, logs and health of servers."""
