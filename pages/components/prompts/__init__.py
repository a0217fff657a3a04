"""From a file to a stored prompt set: the parts of the Prompts page."""
