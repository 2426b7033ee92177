"""The call of a loss: on torch's tensors, on other arrays, and on the kernels that both share."""
