"""Checks of decoded values, named as in the CDDL of docs/format.md. Each takes a value and gives it back, or refuses it."""

from strict_cbor import Refused

NUMBER_MAX = (1 << 53) - 1


def out_of_range(why):
    return Refused("ERR_FIELD_RANGE", why)


def integer(low, high):
    def check(value):
        if type(value) is not int or not low <= value <= high:
            raise out_of_range(f"expected {low} to {high}")
        return value

    return check


def bstr(size):
    def check(value):
        if type(value) is not bytes or (size is not None and len(value) != size):
            raise out_of_range(f"expected {size} bytes")
        return value

    return check


def bstr_up_to(size):
    def check(value):
        if len(bstr(None)(value)) > size:
            raise out_of_range(f"expected at most {size} bytes")
        return value

    return check


def boolean(value):
    if type(value) is not bool:
        raise out_of_range("expected true or false")
    return value


def never(_):
    raise out_of_range("not known here")


def one_of(*values):
    def check(value):
        if type(value) is not type(values[0]) or value not in values:
            raise out_of_range(f"expected one of {values}")
        return value

    return check


def or_null(shape):
    return lambda value: None if value is None else shape(value)


def code_units(text):
    return len(text.encode("utf-16-le")) // 2


def is_printable(text):
    """No control characters and no line separators. Source: docs/format.md §5.2."""
    return not any(c < " " or "\x7f" <= c <= "\x9f" or c in "\u2028\u2029" for c in text)


def printable(low, high):
    def check(value):
        if type(value) is not str or not low <= code_units(value) <= high or not is_printable(value):
            raise out_of_range(f"expected {low} to {high} characters")
        return value

    return check


def code(value):
    """An error code: at most 64 characters, without control characters. Source: docs/format.md §7."""
    if type(value) is not str or code_units(value) > 64 or any(c < " " or c == "\x7f" for c in value):
        raise out_of_range("code")
    return value


def array_of(low, high, shape):
    def check(value):
        if type(value) is not list or not low <= len(value) <= high:
            raise out_of_range(f"expected {low} to {high} items")
        return [shape(one) for one in value]

    return check


def fixed(*shapes):
    """An array of fixed length."""

    def check(value):
        if type(value) is not list or len(value) != len(shapes):
            raise out_of_range(f"expected an array of {len(shapes)}")
        return [shape(one) for shape, one in zip(shapes, value)]

    return check


def suite(value):
    """Only pericard-1 is known here."""
    if type(value) is not int or value != 1:
        raise Refused("ERR_SUITE_UNKNOWN")
    return value


u8 = integer(0, 255)
u32 = integer(0, (1 << 32) - 1)
number = integer(0, NUMBER_MAX)
int32 = integer(-(1 << 31), (1 << 31) - 1)
clock = integer(-8640000000000000, 8640000000000000)
key_index = integer(0, 119)
hash32 = bstr(32)
key32 = bstr(32)
id16 = bstr(16)
id8 = bstr(8)
id6 = bstr(6)
