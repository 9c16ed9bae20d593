#!/usr/bin/env python3
"""Fits the polynomials of patchbay/tensor/exp-inl.h and prints their coefficients.

Run with Python 3 and numpy and mpmath:  python3 scripts/fit_polynomials.py
Each fit is a least-squares fit at Chebyshev nodes in 60-digit arithmetic, weighted for relative
error: within a few per cent of the minimax error, and reproducible by anybody.
"""
import mpmath as mp

mp.mp.dps = 60


def chebyshev_nodes(low, high, count):
    middle, half = (low + high) / 2, (high - low) / 2
    return [middle + half * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]


def fit(function, low, high, degree, weight=lambda x: 1):
    """Coefficients c0 … c_degree of the polynomial nearest to function on [low, high]."""
    nodes = chebyshev_nodes(mp.mpf(low), mp.mpf(high), 12 * (degree + 1))
    rows = mp.matrix(len(nodes), degree + 1)
    right = mp.matrix(len(nodes), 1)
    for i, x in enumerate(nodes):
        for j in range(degree + 1):
            rows[i, j] = weight(x) * x**j
        right[i] = weight(x) * function(x)
    return list(mp.lu_solve(rows, right))


def show(name, coefficients):
    print(name)
    for coefficient in coefficients:
        print("   ", mp.nstr(coefficient, 10))


def limit_at_zero(function, at_zero):
    return lambda x: at_zero if abs(x) < mp.mpf(10) ** -20 else function(x)


# exp(r) = 1 + r + r²·P(r) on |r| ≤ ln 2 / 2
show("exp: P", fit(limit_at_zero(lambda r: (mp.exp(r) - 1 - r) / r**2, mp.mpf(1) / 2),
                   -0.3467, 0.3467, 4))
# tanh(x) = x + x³·P(x²) on |x| ≤ 0.625
show("tanh: P", fit(limit_at_zero(lambda s: (mp.tanh(mp.sqrt(s)) / mp.sqrt(s) - 1) / s,
                                  -mp.mpf(1) / 3), 0, 0.3907, 4))
# erf(t) = t + t·P(t²) on |t| ≤ 1
show("erf: P", fit(limit_at_zero(lambda s: mp.erf(mp.sqrt(s)) / mp.sqrt(s) - 1,
                                 2 / mp.sqrt(mp.pi) - 1), 0, 1, 7))
# erfc(t) = exp(−t²)·P((t − 2)/(t + 2)) on 1 ≤ t ≤ 10.5
to_t = lambda u: 2 * (1 + u) / (1 - u)
scaled = lambda u: mp.erfc(to_t(u)) * mp.exp(to_t(u) ** 2)
show("erfc: P", fit(scaled, -mp.mpf(1) / 3, mp.mpf(8.5) / 12.5, 9, lambda u: 1 / scaled(u)))
