"""Symbolic mathematics with sympy: derivatives, integrals, equations, matrices, factors."""
import sys

import sympy
from sympy import Matrix, Rational, cos, diff, exp, integrate, log, pi, sin, solve, symbols

ROUNDS = int(sys.argv[1])
x, y, n = symbols("x y n")

for turn in range(1, ROUNDS + 1):
    f = sin(x) ** turn * exp(-x) + log(1 + x**2)
    print(turn, diff(f, x, 2))
    print(integrate(x**turn * cos(x), x))
    print(integrate(1 / (1 + x**2), (x, 0, 1)) - pi / 4)
    print(solve([x + y - turn, x - 2 * y], [x, y]), solve(x**2 - turn * x + 1, x))
    print(sympy.factor(sympy.expand((x + 1) ** 4 * (x - turn) * (x**2 + y))))
    matrix = Matrix(3, 3, lambda i, j: Rational(i + turn, j + 1) + int(i == j))
    print(matrix.det(), matrix.inv()[0, 0], matrix.charpoly(x).as_expr())
    print(sympy.summation(1 / (n * (n + turn)), (n, 1, 20)), sympy.limit(sin(turn * x) / x, x, 0))
    print(sympy.series(exp(sin(x)), x, 0, 5), sympy.factorint(2**31 * 3 + turn))
