"""Arguments, the console, inputs and exit codes: what all commands share."""
