"""What training keeps on disk: adapters and checkpoints, whole, finite, and with room for them."""
