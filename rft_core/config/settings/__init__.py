"""The settings of a run, a file for each group of the form; `RunConfig` is made of them all."""
