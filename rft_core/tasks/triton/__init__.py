"""PyTorch to Triton: rows by hand and by a generator, their reference kernels, and known cheats."""
