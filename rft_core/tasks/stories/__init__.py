"""Grade-school word problems by a seeded program, their worked answers and the usual mistakes."""
