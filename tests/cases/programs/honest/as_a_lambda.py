# as a lambda
unique = lambda numbers: sorted(set(numbers))
