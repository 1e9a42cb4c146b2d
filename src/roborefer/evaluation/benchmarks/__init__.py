"""Benchmarks in their published forms, read strictly: what is missing or odd is an error that names file and line."""
