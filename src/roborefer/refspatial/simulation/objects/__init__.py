"""Procedural everyday objects: metric, z up, recognisable, made in about a millisecond each."""
