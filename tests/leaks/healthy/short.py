"""Decoy: a program that is over before anything can be watched."""
print(sum(len(str(number)) for number in range(1_000)))
