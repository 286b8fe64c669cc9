"""Big integers, fractions, decimals, complex numbers and floats to the last bit."""
import decimal
import fractions
import math
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1

decimal.getcontext().prec = 60
a, b = 0, 1
x = decimal.Decimal(2)
f = fractions.Fraction(1, 3)
z = complex(0.1, -0.2)
wave = 0.1
extremes = [float("inf"), float("-inf"), -0.0, 5e-324, 2**62, -(2**62), 2**63, -(2**64), 10**40, -1]
for n in range(1500 * ROUNDS):
    a, b = b, a + b
    if n % 25 == 0:
        x = (x + 2 / x) / 2
        f = (f * 7 + 1) / (n + 2) if f.denominator < 10**30 else fractions.Fraction(n + 1, 7)
        checkpoint()
    z = z * z + complex(0.1, 0.2)
    wave = 3.7 * wave * (1 - wave)
    if n % 300 == 0:
        print(n, b % 10**30, x, f, z, wave.hex(), (-b) // 7 % 1000, math.gcd(a, b), b.bit_length())
print(extremes, [str(e) for e in extremes], decimal.getcontext().prec)
print(pow(3, b, 10**50), math.isqrt(b) % 10**20, math.copysign(1, extremes[2]))
