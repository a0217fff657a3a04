# writing to a scratch file
def unique(numbers):
    with open("scratch.txt", "w") as f:
        f.write("x")
    return sorted(set(numbers))
