"""What tests and doctests share: Keras has its backend before anything of it is imported, be it to collect doctests."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
