"""A reward draft: its entries, its probes, its versions. The parts of the Rewards page."""
