"""Methods that learn which of two answers is preferred: DPO, and reward models."""
