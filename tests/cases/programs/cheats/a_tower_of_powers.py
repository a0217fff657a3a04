# 10**10**7
def unique(numbers):
    return 10**10**7
