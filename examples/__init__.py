"""Examples to run and read: ``python -m examples.flights``."""
