"""What runs behind the walls: the fork server and the jailed processes forked from it."""
