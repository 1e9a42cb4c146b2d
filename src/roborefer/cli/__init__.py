"""The command line: one file a command, thin: read arguments, call, print."""
