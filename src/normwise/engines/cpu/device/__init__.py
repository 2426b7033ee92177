"""All that a kernel is made of beside its own source. The store of kernels hashes this folder, so that none is stale.

Nothing here may import from another folder of normwise.
"""
