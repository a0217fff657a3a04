"""Our programs beside other people's code in a jailed process: fork servers import them by name."""
