"""The commands of `ratify`, a module each with a function `run`."""
