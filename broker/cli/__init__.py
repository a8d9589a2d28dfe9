"""The `broker` command. Each verb is a file; what it works on is handed in by `wiring`."""
