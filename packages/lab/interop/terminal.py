#!/usr/bin/python3
"""A Pericard terminal in Python, written from docs/format.md and vectors/ alone.

    terminal.py --vectors DIR                            check this program against the shared vectors
    terminal.py --folder DIR [--samples FILE …]          record a file, upload until everything is receipted
    terminal.py --folder DIR                             upload what the journal holds

Needs Debian's python3-cbor2, python3-cryptography and python3-argon2. Prints one JSON object.
Ends with 0 when all is well, 1 when a vector fails, 2 when the folder or the samples cannot be used, and 3 when something
is still without a receipt.
"""

import argparse
import json
import os
import sys

import check_vectors
from delivery import Delivery
from primitives import H
from recorder import Terminal
from source import Source, read_lead, read_rate
from strict_cbor import Refused
from uplink import NotDelivered


def arguments():
    parser = argparse.ArgumentParser(description="a Pericard terminal in Python")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--vectors", metavar="DIR", help="check against the shared vectors")
    what.add_argument("--folder", metavar="DIR", help="folder that a terminal was deployed into")
    parser.add_argument("--samples", metavar="FILE", help="interleaved little-endian 16-bit samples")
    parser.add_argument("--lead", action="append", type=read_lead, metavar="NAME:UNITS:GAIN:BASELINE")
    parser.add_argument("--rate", type=read_rate, default=read_rate("500"), help="frames per second, also as 360/1")
    parser.add_argument("--segment-seconds", type=int, default=10)
    parser.add_argument("--recording", type=bytes.fromhex, metavar="HEX", help="id of the recording; random without")
    parser.add_argument("--codec", default="lead-residual", help="name that is written for the codec")
    return parser.parse_args()


def check(folder):
    found = check_vectors.check_all(folder)
    print(json.dumps(found))
    return 1 if found["faults"] else 0


def run(options):
    terminal = Terminal(options.folder)
    delivery = Delivery(terminal)
    said = {}
    if options.samples:
        source = Source(options.samples, options.lead, options.rate, options.segment_seconds)
        recording = options.recording or os.urandom(16)
        sealed = terminal.record(source, recording, options.codec)
        said = {"recording": recording.hex(), "h": [H(one).hex() for one in sealed]}
    try:
        delivery.send_status()
        delivery.deliver()
    except NotDelivered as problem:
        said["notDelivered"] = str(problem)
    pending, quarantined = len(terminal.journal.pending), len(terminal.journal.quarantined)
    terminal.journal.close()
    print(json.dumps({**said, **delivery.told, "pending": pending, "quarantined": quarantined}))
    return 3 if pending else 0


def main():
    given = arguments()
    try:
        return check(given.vectors) if given.vectors else run(given)
    except (Refused, ValueError, OSError) as problem:
        print(f"terminal.py: {problem}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
