"""Rego, the language of the Open Policy Agent, evaluated in a process of its own."""
