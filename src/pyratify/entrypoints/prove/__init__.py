"""`ratify prove`: an unsigned image is offered at every enforcement point, to see which ones refuse it."""
