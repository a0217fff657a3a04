"""The walls: what the kernel is asked to forbid, layer by layer."""
