"""Judging: benchmarks, whom to ask, how answers are scored, and what is reported.

``benchmarks`` reads questions, ``backends`` asks a model, ``protocols`` and ``metrics`` score, ``runner`` holds them
together and can be stopped anywhere, ``report`` shows what came out.
"""
