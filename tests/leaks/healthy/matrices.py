"""Decoy: lists of lists of floats, made and dropped."""


def multiply(left, right):
    columns = list(zip(*right))
    return [[sum(a * b for a, b in zip(row, column)) for column in columns] for row in left]


size = 60
matrix = [[float((i * j) % 7 - 3) for j in range(size)] for i in range(size)]
product = matrix
for _ in range(25):
    product = [[value % 10 for value in row] for row in multiply(product, matrix)]
print(round(sum(map(sum, product)), 3))
