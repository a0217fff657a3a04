"""What runs behind the walls for rewards: users' functions, and graders too dangerous outside."""
