# a flood of output
def unique(numbers):
    while True:
        print("x" * 100_000)
