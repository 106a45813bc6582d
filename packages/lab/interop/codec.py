"""A small writer of the codec `lead-residual`: one table, a predictor for each lead, no palettes, references or limb leads.

Source: docs/codec-lead-residual.md.
"""

VERSION = 1
OWN_LENGTH = 1 << 5
WEIGHTS = ((0, 0, 0), (2, 0, 0), (3, -1, 0), (4, -2, 0), (5, -4, 1), (6, -6, 2))
STATES, STEP, CONTEXTS = 256, 163, 27
LEVEL_COUNTS = [level if level < 8 else (4 + level % 4) << (level // 4 - 1) for level in range(29)]


def wrap(value):
    """32-bit two's complement."""
    return ((value + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def zigzag(value):
    return ((value << 1) ^ (value >> 31)) & 0xFFFFFFFF


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


class BitWriter:
    """Fields, least significant bit first."""

    def __init__(self):
        self.out = bytearray()
        self._held = 0
        self._count = 0

    def put(self, value, bits):
        self._held |= value << self._count
        self._count += bits
        while self._count >= 8:
            self.out.append(self._held & 255)
            self._held >>= 8
            self._count -= 8

    def rice1(self, value):
        self.put((1 << (value >> 1)) - 1, (value >> 1) + 1)
        self.put(value & 1, 1)

    def finish(self):
        if self._count:
            self.out.append(self._held)
        return bytes(self.out)


def residuals(samples, predictor):
    """§3.2 without a reference: z = 16 x."""
    w1, w2, w3 = WEIGHTS[predictor]
    z1 = z2 = z3 = wrap(16 * samples[0])
    out = []
    for x in samples:
        out.append(wrap(x - (wrap(w1 * z1 + w2 * z2 + w3 * z3 + 16) >> 5)))
        z1, z2, z3 = wrap(16 * x), z1, z2
    return out


def best_residuals(samples):
    """The predictor with the smallest residuals, and those."""
    tried = [(predictor, residuals(samples, predictor)) for predictor in range(len(WEIGHTS))]
    return min(tried, key=lambda one: sum(map(abs, one[1])))


def symbols_of(values):
    """Each residual, turned over where the one before was negative."""
    before = 0
    for value in values:
        yield zigzag(value) if before >= 0 else zigzag(wrap(-value))
        before = value


def token_of(value):
    """§4: token, raw bits and how many."""
    if value < 16:
        return value, 0, 0
    t = value.bit_length() - 1
    return 8 + 2 * t + (value >> (t - 1) & 1), value & ((1 << (t - 1)) - 1), t - 1


def table_of(tokens):
    """§5.1: the level of each token but the commonest, which has what is left of 256."""
    counts = [0] * (max(tokens) + 1)
    for token in tokens:
        counts[token] += 1
    commonest = counts.index(max(counts))
    levels = [0] * len(counts)
    for token, count in enumerate(counts):
        if count and token != commonest:
            wanted = max(1, STATES * count // len(tokens))
            levels[token] = max(level for level, has in enumerate(LEVEL_COUNTS) if has <= wanted)
    levels[commonest] = 0
    while sum(LEVEL_COUNTS[level] for level in levels) >= STATES:
        levels[levels.index(max(levels))] -= 1
    return levels, commonest


def write_table(bits, levels, commonest):
    bits.put(0, CONTEXTS - 1)
    bits.put(len(levels) - 1, 7)
    bits.put(commonest, 7)
    before = 0
    for token, level in enumerate(levels):
        if token != commonest:
            bits.rice1(zigzag(level - before))
            before = level


def positions_of(levels, commonest):
    """For each token the states that stand for it, rising."""
    counts = [LEVEL_COUNTS[level] for level in levels]
    counts[commonest] = STATES - sum(counts)
    positions = [[] for _ in counts]
    at = 0
    for token, count in enumerate(counts):
        for _ in range(count):
            positions[token].append(at)
            at = (at + STEP) % STATES
    return [sorted(one) for one in positions]


def code_tokens(tokens, positions):
    """§5.2, from the last token to the first, since readers take from the end."""
    bits = BitWriter()
    states = [0, 0]
    for i in range(len(tokens) - 1, -1, -1):
        mine = positions[tokens[i]]
        x, taken = states[i & 1] + STATES, 0
        while x >> taken >= 2 * len(mine):
            taken += 1
        bits.put(x & ((1 << taken) - 1), taken)
        states[i & 1] = mine[(x >> taken) - len(mine)]
    bits.put(states[1], 8)
    bits.put(states[0], 8)
    bits.put(1, 1)
    return bits.finish()


def encode_leads(leads):
    """Leads of signed 32-bit samples as one stream."""
    out = bytearray([VERSION, len(leads)])
    values = []
    for samples in leads:
        predictor, lead_residuals = best_residuals(samples) if samples else (0, [])
        out += bytes([OWN_LENGTH | predictor]) + varint(len(samples))
        if samples:
            out += varint(zigzag(samples[0]))
        values += symbols_of(lead_residuals)
    if not values:
        return bytes(out)
    split = [token_of(value) for value in values]
    tokens = [token for token, _, _ in split]
    table, raw = BitWriter(), BitWriter()
    levels, commonest = table_of(tokens)
    write_table(table, levels, commonest)
    for _, low, count in split:
        raw.put(low, count)
    raw_bytes = raw.finish()
    coded = code_tokens(tokens, positions_of(levels, commonest))
    return bytes(out) + table.finish() + varint(len(raw_bytes)) + raw_bytes + coded
