"""`ratify node check`: a node as an attacker looks at it, from its files; nothing is changed."""
