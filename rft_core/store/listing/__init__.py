"""Lists of many runs: what people say of them, and what each has recorded in short."""
