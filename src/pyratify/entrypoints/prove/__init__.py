"""`ratify prove`: an unsigned image is offered at every door, to see which ones refuse it."""
