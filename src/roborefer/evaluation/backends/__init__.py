"""Whom to ask: a model in this process, or a server."""
