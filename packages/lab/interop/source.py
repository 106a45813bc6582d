"""Interleaved little-endian 16-bit samples of a file, cut into windows."""

import array
import sys
from fractions import Fraction

from primitives import H


class Source:
    """One sample of each lead in a frame."""

    def __init__(self, path, leads, rate, window_seconds):
        with open(path, "rb") as file:
            data = file.read()
        samples = array.array("h", data)
        if sys.byteorder == "big":
            samples.byteswap()
        if not samples or len(samples) % len(leads):
            raise ValueError("samples: expected whole frames")
        self.id = H(data)
        self.leads = [samples[lead :: len(leads)].tolist() for lead in range(len(leads))]
        self.shape = [rate.numerator, rate.denominator, [lead_of(*lead) for lead in leads]]
        self._window = max(1, round(window_seconds * rate))

    def windows(self):
        """First frame, frames and samples of each window."""
        total = len(self.leads[0])
        for first in range(0, total, self._window):
            count = min(self._window, total - first)
            yield first, count, [lead[first : first + count] for lead in self.leads]


def lead_of(name, units, gain, baseline):
    """A lead of 16 bits, in which -32768 means no sample. Source: docs/format.md §5.2."""
    return [name, units, gain, int(baseline), 1, 0, 16, 0, -32768]


def read_lead(text):
    """`name:units:gain:baseline`."""
    parts = text.split(":")
    if len(parts) != 4:
        raise ValueError("lead: expected name:units:gain:baseline")
    return parts


def read_rate(text):
    return Fraction(text)


class ShortSource:
    """Four seconds of two leads in windows of one, of no file."""

    id = None
    shape = [250, 1, [lead_of("I", "mV", "200", 0), lead_of("II", "mV", "200", 0)]]

    def windows(self):
        for first in range(0, 1000, 250):
            yield first, 250, [[(i * k) % 97 - 40 for i in range(first, first + 250)] for k in (3, 5)]
