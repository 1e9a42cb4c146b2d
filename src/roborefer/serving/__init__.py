"""The server: one model, many callers, several protocols."""
