# SPDX-License-Identifier: Apache-2.0
"""The raw documents' `message`, encoded as Elastic Agent does it, against Go's own encoding/json, byte for byte: public
events and many that were made up. Go is tests/go-json/judge.go, which tools/deps builds."""
import decimal
import glob
import json
import os
import random
import re
import struct
import subprocess

from basics import GATEHOUSE, PATIENCE, Skip
from harness import each_of, main, test

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gatehouse")
JUDGE = os.path.join(CACHE, "go-json", "judge")
SHARED = os.path.join(os.environ.get("GATEHOUSE_SOURCE", "."), "..", "shared")
OBJECTS = 3000
NUMBERS = 40000
BETWEEN = 4000
SEED = int(os.environ.get("SEED", "7"))

NICE = ["a", "b", "Z", " ", "<", ">", "&", "'", "/", "\x7f", "\u00e9", "\u20ac", "\U0001f600", "\u2027", "\u2028", "\u2029",
        "\u202a", "\u0080"]
ESCAPES = [r"\u0000", r"\u001f", r"\u000b", r"\u0008", r"\b", r"\f", r"\n", r"\r", r"\t", r"\"", r"\\", r"\/", r"\u2028",
           r"\ud83d\ude00", r"\u00e9", r"\uFFFD", r"\ufeff", r"\u003c"]
BROKEN = [r"\ud800", r"\udc00", r"\ud800\ud800\udc00", r"\udbff\u0041"]
NO_UTF8 = [b"\xff", b"\xc3", b"\xe2", b"\xe2\x80", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\x80"]
ODD_NUMBERS = """0 -0 0.0 0.00 -0.000 1e21 1e20 999999999999999999999 9.999999999999999e20 1e-6 1e-7 0.000001 0.0000001 1E5 1e+5
    1e-400 -1e-400 5e-324 2e-324 2.4703282292062327e-324 2.4703282292062328e-324 1.7976931348623157e308
    1.7976931348623158e308 179769313486231570e291 2.2250738585072014e-308 2.2250738585072011e-308 9007199254740993
    0e999999999999 1e-99999999999999999999 0.1000000000000000055511151231257827 100000000000000000000000 64512.0""".split()
TOO_LARGE = ["1e400", "-1e400", "1e99999999999999999999", "1.7976931348623159e308", "9" * 309]


def judge(lines):
    """What Go makes of each line; None where it refuses."""
    if not os.path.exists(JUDGE):
        raise Skip("Go's judge is not there: tools/deps test")
    p = subprocess.run([JUDGE], input=b"\n".join(lines) + b"\n", capture_output=True, timeout=PATIENCE * 5, check=True)
    answers = p.stdout.split(b"\n")[:-1]
    assert len(answers) == len(lines)
    return [a or None for a in answers]


def ours(lines):
    p = subprocess.run([GATEHOUSE, "map", "--set", "format=raw", "--set", "go_encoding=true"],
                       input=b"\n".join(lines) + b"\n", capture_output=True, timeout=PATIENCE * 5)
    refused = {int(n) for n in re.findall(r"^line (\d+): ", p.stderr.decode(), re.M)}
    documents = iter(p.stdout.split(b"\n")[:-1])
    made = [None if n in refused else json.loads(next(documents))["message"].encode() for n in range(1, len(lines) + 1)]
    assert next(documents, None) is None and p.returncode == (1 if refused else 0)
    return made


def compare(lines):
    """Returns how many Go refused."""
    theirs = judge(lines)
    differing = [(line, go, we) for line, go, we in zip(lines, theirs, ours(lines)) if go != we]
    assert not differing, "%d of %d lines differ; of %r Go makes %r, ours is %r" % (
        len(differing), len(lines), *(x and x[:2000] for x in differing[0]))
    return theirs.count(None)


def read(*path):
    with open(os.path.join(SHARED, *path), "rb") as f:
        return [line for line in f.read().split(b"\n") if line.strip()]


@test
def public_events_are_encoded_as_go_does_it(place):
    files = glob.glob(os.path.join(SHARED, "corpus", "*.ndjson"))
    lines = [line for f in sorted(files) for line in read("corpus", os.path.basename(f))]
    lines += read("okta-ecs", "test-okta-system-events.log")
    lines += [m.encode() for v in read("okta-ecs", "real-pipeline", "variations.ndjson")
              for m in [json.loads(v)["message"]] if m and m.lstrip().startswith("{") and "\n" not in m]
    assert len(lines) > 300
    compare(lines)


def double(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def any_double(r):
    return double(r.getrandbits(63) % 0x7ff0000000000000)


def middle(r):
    """The number between two doubles, exactly, or a little beside it: up to 770 digits."""
    bits = r.getrandbits(63) % 0x7fe0000000000000
    with decimal.localcontext() as c:
        c.prec, c.Emin, c.Emax = 1200, -5000, 5000
        exact = (decimal.Decimal(double(bits)) + decimal.Decimal(double(bits + 1))) / 2
        text = str(exact)
    mantissa, e, exponent = text.partition("E")
    if r.random() < 0.3 and "." in mantissa:
        mantissa += r.choice(["0" * 50 + "1", "1", "000"])
    return mantissa + (e + exponent)


def number(r):
    kind = r.randrange(9)
    if kind == 0:
        return repr(any_double(r))
    if kind == 1:
        return str(r.randrange(-10 ** r.randrange(1, 40), 10 ** r.randrange(1, 40)))
    if kind == 2:
        return "%d.%s" % (r.randrange(1000), "".join(r.choice("0123456789") for _ in range(r.randrange(1, 30))))
    if kind == 3:
        return "%s%de%s%d" % (r.choice(["", "-"]), r.randrange(10 ** r.randrange(1, 9)), r.choice(["", "+", "-"]), r.randrange(300))
    if kind == 4:
        return str(r.randrange(2 ** 52, 2 ** 66))
    if kind == 5:
        return r.choice(ODD_NUMBERS)
    if kind == 6:
        return "0." + "0" * r.randrange(400) + str(r.randrange(1, 10 ** r.randrange(1, 30)))
    if kind == 7:
        return str(r.randrange(1, 10 ** 4)) + "0" * r.randrange(30) + r.choice(["", ".0", ".50"])
    return "%.*e" % (r.randrange(13, 19), any_double(r))


def text(r):
    def piece():
        kind = r.random()
        if kind < 0.04:
            return r.choice(NO_UTF8)
        return r.choice(BROKEN if kind < 0.1 else ESCAPES if kind < 0.5 else NICE).encode()
    return b'"' + b"".join(piece() for _ in range(r.choice([0, 1, 2, 3, 5, 9, 30]))) + b'"'


def value(r, depth):
    kind = r.random()
    if kind < 0.2:
        return number(r).encode()
    if kind < 0.6:
        return text(r)
    if kind < 0.7 or depth > 5:
        return r.choice([b"true", b"false", b"null", b"[]", b"{}"])
    if kind < 0.82:
        blank = r.choice([b"", b"", b" ", b"\t"])
        return b"[" + blank + (b"," + blank).join(value(r, depth + 1) for _ in range(r.randrange(5))) + b"]"
    return made_up(r, depth + 1)


def made_up(r, depth=0):
    """An object in which names repeat now and then."""
    blank = r.choice([b"", b"", b" ", b"\t"])
    members = [(text(r) if r.random() < 0.7 else b'"k%d"' % r.randrange(9)) + b":" + blank + value(r, depth)
               for _ in range(r.choice([0, 1, 2, 3, 6, 12, 40][:7 - depth]))]
    return b"{" + blank + (b"," + blank).join(members) + b"}"


@test
def thousands_of_made_up_objects_are_encoded_as_go_does_it(place):
    r = random.Random(SEED)
    assert compare([made_up(r) for _ in range(OBJECTS)]) == 0


def in_lists(numbers):
    return [b'{"n":[%s]}' % ",".join(numbers[i:i + 20]).encode() for i in range(0, len(numbers), 20)]


NUMBER_CASES = {
    "that came up": lambda r: [number(r) for _ in range(NUMBERS)],
    "that are odd": lambda r: ODD_NUMBERS,
    "every power of two": lambda r: [repr(2.0 ** e) for e in range(-1074, 1024)],
    "the neighbours of every power of two": lambda r: [
        repr(double(struct.unpack("<Q", struct.pack("<d", 2.0 ** e))[0] + d)) for e in range(-1000, 1024) for d in (-1, 1)],
    "every power of ten": lambda r: ["1e%d" % e for e in range(-330, 309)],
    "in the middle between two doubles": lambda r: [middle(r) for _ in range(BETWEEN)],
}


@each_of(NUMBER_CASES)
def numbers_come_out_of_go_as_out_of_ours(place, make):
    assert compare(in_lists(make(random.Random(SEED)))) == 0


@test
def what_is_too_large_for_go_is_refused(place):
    assert compare([b'{"n":%s}' % n.encode() for n in TOO_LARGE]) == len(TOO_LARGE)


@test
def ten_thousand_levels_are_encoded_and_one_more_is_refused(place):
    def nested(levels, inner):
        return b'{"a":' + b"[" * (levels - 1) + inner + b"]" * (levels - 1) + b"}"
    assert compare([nested(9999, b"1"), nested(10000, b"1"), nested(10001, b"1"), nested(300, b'{"b":2,"a":1}')]) == 1


main()
