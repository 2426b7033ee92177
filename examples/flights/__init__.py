"""Forecast the delays of real flights by one model, trained by three losses: ``python -m examples.flights``."""
