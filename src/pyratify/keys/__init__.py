"""Key and certificate providers."""
