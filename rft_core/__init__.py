"""RFT Studio's core: everything but the browser pages. `python -m rft_core` is the command line."""
