"""How fast normwise is, as ratios to its rivals in one interleaved run: ``python -m benchmarks``."""
