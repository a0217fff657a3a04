# no function
unique = [1, 3]
