"""What every command shares: arguments, the console, exit codes."""
