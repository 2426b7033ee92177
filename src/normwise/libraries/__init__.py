"""What the code must know of the libraries of arrays, and nothing of losses."""
