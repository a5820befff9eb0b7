"""The webhook's rules document: its schema, what it matches, its exceptions."""
