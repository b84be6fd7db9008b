# SPDX-License-Identifier: Apache-2.0
"""The one table of what differs from OpenBao on purpose (exceptions.tsv), and the rule that keeps it true.

A row excuses the differences at some places of some answers; a place may go on with the text that tells the difference
(`$.errors[0] want "1 error*`). Every row must excuse something in each judge that it names, else the judge fails: what
no longer differs leaves the table, and with it docs/compatibility.md, where each id stands with its reason.
"""
import fnmatch
import functools
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, "exceptions.tsv")
DOCUMENT = os.path.join(HERE, "..", "..", "docs", "compatibility.md")
JUDGES = ("replay", "init", "differential")


class Row:
    def __init__(self, number, line):
        fields = line.split("\t")
        if len(fields) != 4:
            raise SystemExit("exceptions.tsv:%d: four columns wanted, not %d" % (number, len(fields)))
        self.number = number
        self.id, judges, self.request, self.place = fields
        self.judges = judges.split(",")
        for judge in self.judges:
            if judge not in JUDGES:
                raise SystemExit("exceptions.tsv:%d: no judge %r" % (number, judge))
        self.used = 0

    def excuses(self, names, place, text):
        if not (matches(self.place, place) or matches(self.place, "%s %s" % (place, text))):
            return False
        return any(matches(self.request, name) for name in names)

    def __str__(self):
        return "exceptions.tsv:%d %s (%s, %s)" % (self.number, self.id, self.request, self.place)


@functools.lru_cache(maxsize=None)
def pattern(glob):
    """`*` and `?` as in file names; `[` is nothing special, `|` separates alternatives."""
    return re.compile("|".join(fnmatch.translate(part.replace("[", "[[]")) for part in glob.split("|")))


def matches(glob, text):
    return pattern(glob).match(text) is not None


def rows():
    with open(TABLE, encoding="utf-8") as file:
        lines = [(n, line.rstrip("\n")) for n, line in enumerate(file, 1)]
    return [Row(n, line) for n, line in lines if line and not line.startswith("#")]


class Exceptions:
    """The rows of one judge."""

    def __init__(self, judge):
        self.rows = [row for row in rows() if judge in row.judges]

    def left(self, names, differences):
        """Those of the differences (place, text) of a request, known by these names, that no row excuses."""
        return [d for d in differences if not self.excused(names, *d)]

    def excused(self, names, place, text):
        found = [row for row in self.rows if row.excuses(names, place, text)]
        for row in found:
            row.used += 1
        return bool(found)

    def idle(self):
        return [str(row) for row in self.rows if not row.used]


def documented():
    """The ids in the tables of docs/compatibility.md: the first column, in backticks."""
    with open(DOCUMENT, encoding="utf-8") as file:
        return re.findall(r"^\| `([a-z0-9-]+)` \|", file.read(), re.MULTILINE)
