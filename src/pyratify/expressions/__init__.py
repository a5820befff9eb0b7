"""Languages for rules of users: compiled once, evaluated to a bool; only exactly true allows."""
