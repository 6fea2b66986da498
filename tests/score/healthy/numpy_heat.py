"""Heat in a plate, a spectrum of it now and then, and a fit: numeric work on numpy arrays."""
import sys

import numpy as np

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Plate:
    def __init__(self, n):
        self.now = np.zeros((n, n))
        self.next = np.zeros((n, n))
        self.now[n // 3:n // 2, n // 3:n // 2] = 100.0

    def step(self, rate=0.2):
        a = self.now
        self.next[1:-1, 1:-1] = a[1:-1, 1:-1] + rate * (
            a[2:, 1:-1] + a[:-2, 1:-1] + a[1:-1, 2:] + a[1:-1, :-2] - 4 * a[1:-1, 1:-1])
        self.now, self.next = self.next, self.now


def spectrum(field):
    power = np.abs(np.fft.rfft2(field)) ** 2
    return float(power.sum()), np.argsort(power, axis=None)[-5:]


def fit(samples):
    x = np.arange(len(samples), dtype=float)
    basis = np.vstack([np.ones_like(x), x, x ** 2]).T
    coefficients, *_ = np.linalg.lstsq(basis, np.asarray(samples), rcond=None)
    return coefficients


plate = Plate(220)
recent = []
for number in range(int(8000 * SIZE)):
    plate.step()
    if number % 10 == 0:
        energy, peaks = spectrum(plate.now)
        recent.append(energy)
        if len(recent) > 100:
            fit(recent)
            recent = recent[50:]
print(bool(np.isfinite(plate.now).all()), len(recent) <= 101)
