# SPDX-License-Identifier: Apache-2.0
"""Two answers held against each other: every difference as (place, what), where a place is `status`, `header NAME`,
`$.data.keys[0]`, `body`, ...; never just the first, since a row of the table of exceptions excuses single places."""
import json
import re

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)"
NEAR_S = 15


def shown(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "..."


def same_kind(a, b):
    return isinstance(a, bool) == isinstance(b, bool) and (isinstance(a, type(b)) or isinstance(b, type(a)))


class Comparison:
    """What is common to a recorded and to a live answer to compare with. `scalar` says whether two values agree."""

    def __init__(self, unordered=()):
        self.unordered = set(unordered)
        self.found = []

    def differ(self, place, wanted, got):
        self.found.append((place, "want %s got %s" % (shown(wanted), shown(got))))

    def value(self, place, wanted, got):
        if isinstance(wanted, dict) and isinstance(got, dict):
            self.object(place, wanted, got)
        elif isinstance(wanted, list) and isinstance(got, list):
            self.array(place, wanted, got)
        elif not self.scalar(place, wanted, got):
            self.differ(place, wanted, got)

    def object(self, place, wanted, got):
        left = dict(got)
        for key in sorted(wanted, key=self.is_volatile):
            other = self.key_for(key, wanted[key], left)
            at = "%s.%s" % (place, key)
            if other is None:
                self.found.append((at, "is missing: %s" % shown(wanted[key])))
                continue
            self.value(at, wanted[key], left.pop(other))
        for key, value in left.items():
            self.found.append(("%s.%s" % (place, key), "is too much: %s" % shown(value)))

    def array(self, place, wanted, got):
        if len(wanted) != len(got):
            self.differ(place, wanted, got)
        elif place in self.unordered:
            self.bag(place, wanted, got)
        else:
            for i, (a, b) in enumerate(zip(wanted, got)):
                self.value("%s[%d]" % (place, i), a, b)

    def bag(self, place, wanted, got):
        left = list(got)
        for item in sorted(wanted, key=lambda v: self.is_volatile(str(v))):
            fits = [other for other in left if self.agrees(item, other)]
            if not fits:
                self.found.append((place, "no element for %s in %s" % (shown(item), shown(left))))
                return
            left.remove(fits[0])

    def agrees(self, a, b):
        """Whether two values differ in nothing; leaves no trace."""
        kept, self.found = self.found, []
        self.value("", a, b)
        good, self.found = not self.found, kept
        return good

    def is_volatile(self, _text):
        return False

    def key_for(self, key, _value, left):
        return key if key in left else None

    def scalar(self, _place, wanted, got):
        return wanted == got and same_kind(wanted, got)


ANY = {
    "any_uuid": UUID, "any_hex8": "[0-9a-f]{8}", "any_time": TIME, "any_token": r"[sbr]\.[A-Za-z0-9_-]{24,}",
    "any_accessor": "[A-Za-z0-9]{24}", "any_date": ".+", "any_int": r"\d+", "any_port": r"\d+",
    "any_string": "(?:.|\n)*", "any_duration": r"[0-9.]+m?s", "any_epoch": r"\d+",
}
VARIABLE = re.compile(r"\$\{(\w+)\}")


class Recorded(Comparison):
    """Against a recorded answer, with `${any_*}` and variables in it."""

    def __init__(self, variables, unordered=()):
        super().__init__(unordered)
        self.variables = variables

    def is_volatile(self, text):
        return "${any_" in text

    def expression(self, text):
        parts, at = [], 0
        for found in VARIABLE.finditer(text):
            name = found.group(1)
            kind = ANY.get(re.sub(r"_\d+$", "", name))
            parts += [re.escape(text[at:found.start()]),
                      kind or re.escape(str(self.variables.get(name, found.group(0))))]
            at = found.end()
        return "".join(parts) + re.escape(text[at:])

    def text_fits(self, wanted, got):
        return re.fullmatch(self.expression(wanted), got, re.DOTALL) is not None

    def key_for(self, key, value, left):
        fits = [other for other in left if self.text_fits(key, other)]
        return next((other for other in fits if self.agrees(value, left[other])), fits[0] if fits else None)

    def scalar(self, place, wanted, got):
        if not isinstance(wanted, str):
            return super().scalar(place, wanted, got)
        about = re.fullmatch(r"\$\{approx_(\d+)\}", wanted)
        if about:
            return isinstance(got, int) and abs(got - int(about.group(1))) <= NEAR_S
        if wanted in ("${any_epoch}", "${any_int}") and isinstance(got, int):
            return True
        return isinstance(got, str) and self.text_fits(wanted, got)


# What two servers make up each for itself. Where one says such a thing, the other says one of the same kind, and the
# same thing ever after.
PIECE = re.compile("|".join("(?P<%s>%s)" % kind for kind in [
    ("uuid", UUID), ("time", TIME), ("key", r"\b[0-9a-f]{64}\b|[A-Za-z0-9+/]{43}="),
    ("token", r"\b[sb]\.[A-Za-z0-9_-]{24,}"), ("accessor", r"\b[A-Za-z0-9]{24}\b"),
    ("hex", r"(?<=_)[0-9a-f]{8}\b|(?<=-)[0-9a-f]{8}\b"), ("left", r"(?<=effective max_ttl of \")[0-9hms.]+")]))
PASSING = ("time", "left")
NEAR = re.compile(r"(ttl|lease_duration|_time|time_utc|epoch|expiration)$")
CUT = re.compile(r'of "([0-9hms.]+)" exceeded the effective max_ttl of "([0-9hms.]+)"')
UNITS_S = {"h": 3600, "m": 60, "s": 1}


def seconds(duration):
    return sum(float(n) * UNITS_S[unit] for n, unit in re.findall(r"([0-9.]+)([hms])", duration))


def is_passing(warning):
    """Whether it says that a time was cut by what went by since: of two servers asked one after the other, one may
    have crossed to the next second."""
    cut = CUT.search(warning)
    return cut is not None and abs(seconds(cut.group(1)) - seconds(cut.group(2))) <= NEAR_S


def without_passing(answer):
    """The same without such warnings."""
    if not isinstance(answer, dict) or not isinstance(answer.get("warnings"), list):
        return answer
    return {**answer, "warnings": [w for w in answer["warnings"] if not is_passing(w)] or None}


class Pairs:
    """Which of the one's made-up values is which of the other's. What was learnt can be forgotten back to a mark."""

    def __init__(self):
        self.forth, self.back, self.learnt = {}, {}, []

    def same(self, a, b):
        return self.forth.get(a, b) == b and self.back.get(b, a) == a

    def learn(self, a, b):
        if a not in self.forth:
            self.forth[a], self.back[b] = b, a
            self.learnt.append(a)

    def forget(self, mark):
        while len(self.learnt) > mark:
            del self.back[self.forth.pop(self.learnt.pop())]


class Live(Comparison):
    """Against the answer of another server to the same request."""

    def __init__(self, pairs, unordered=()):
        super().__init__(unordered)
        self.pairs = pairs

    def is_volatile(self, text):
        return PIECE.search(text) is not None

    def text_fits(self, a, b):
        if PIECE.sub("\0", a) != PIECE.sub("\0", b):
            return False
        pieces = list(zip(PIECE.finditer(a), PIECE.finditer(b)))
        if any(x.lastgroup != y.lastgroup for x, y in pieces):
            return False
        lasting = [(x.group(), y.group()) for x, y in pieces if x.lastgroup not in PASSING]
        if not all(self.pairs.same(x, y) for x, y in lasting):
            return False
        for x, y in lasting:
            self.pairs.learn(x, y)
        return True

    def agrees(self, a, b):
        mark = len(self.pairs.learnt)
        good = super().agrees(a, b)
        self.pairs.forget(mark)
        return good

    def array(self, place, wanted, got):
        """Lists of what each made up itself (ids, accessors) are in whatever order."""
        if len(wanted) == len(got) and all(isinstance(v, str) and self.is_volatile(v) for v in wanted):
            self.bag(place, wanted, got)
        else:
            super().array(place, wanted, got)

    def object(self, place, wanted, got):
        """Keys that each made up itself are matched first, those with the fewest possible partners first. That is a
        guess among equals, from which nothing is learnt."""
        made_up = [key for key in wanted if self.is_volatile(key)]
        others = {key: value for key, value in got.items() if not self.is_volatile(key)}
        left = {key: value for key, value in got.items() if key not in others}
        while made_up:
            key, fits = min(((key, self.partners(key, wanted[key], left)) for key in made_up), key=lambda c: len(c[1]))
            made_up.remove(key)
            if not fits:
                self.found.append(("%s.%s" % (place, key), "is missing: %s" % shown(wanted[key])))
                continue
            mark = len(self.pairs.learnt)
            self.text_fits(key, fits[0])
            self.value("%s.%s" % (place, key), wanted[key], left.pop(fits[0]))
            if len(fits) > 1:
                self.pairs.forget(mark)
        super().object(place, {k: v for k, v in wanted.items() if not self.is_volatile(k)}, {**others, **left})

    def partners(self, key, value, left):
        if key in self.pairs.forth:
            return [self.pairs.forth[key]] if self.pairs.forth[key] in left else []
        fits = [other for other in left if self.agrees(key, other)]
        return [other for other in fits if self.agrees(value, left[other])] or fits

    def scalar(self, place, a, b):
        if isinstance(a, str) and isinstance(b, str):
            return self.text_fits(a, b)
        if isinstance(a, int) and isinstance(b, int) and same_kind(a, b) and NEAR.search(place):
            return abs(a - b) <= NEAR_S
        return super().scalar(place, a, b)
