"""The protocols: what each reads from a request, and writes as its reply, its stream and its errors."""
