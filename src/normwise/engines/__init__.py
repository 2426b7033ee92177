"""How a formula is computed on plain buffers: by array namespaces, by fused CPU kernels, by data frames.

An engine never sees the name of a loss, an autograd type or a file.
"""
