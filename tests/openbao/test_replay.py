# SPDX-License-Identifier: Apache-2.0
"""The recorded exchanges with the real OpenBao, asked again of the gate: one TAP case per exchange.

    python3 test_replay.py [PART OF A CASE'S NAME ...]     prints those alone (all are asked)

JUDGED=openbao asks the real one, to try the test itself; the table of exceptions is left alone then. The recordings lie
beside the checkout; without them the test is skipped.
"""
import os
import re
import sys
import time

import servers
from compare import Recorded, VARIABLE, ANY
from exceptions import Exceptions

SOURCE = os.environ.get("GATEHOUSE_SOURCE") or os.path.join(servers.HERE, "..", "..")
RECORDINGS = os.path.join(SOURCE, "..", "shared", "openbao")
JUDGED = os.environ.get("JUDGED", "gatehouse")

# What comes by the way and says nothing of the answer.
PASSING_HEADERS = ("Date", "Content-Length", "Transfer-Encoding", "Connection")


def init_gatehouse():
    """Uninitialised, with a state of its own."""
    return servers.gatehouse("--set", "listen.address=127.0.0.1:0", "--set", "state=state", "-c", os.devnull)


# file: the judge's name in the table, who is asked, whether it knows a root token.
REPLAYS = [
    ("exchanges.ndjson", "replay", {"gatehouse": servers.gatehouse_dev, "openbao": servers.openbao_dev}, True),
    ("exchanges-init.ndjson", "init", {"gatehouse": init_gatehouse, "openbao": servers.openbao_stored}, False),
]


def dig(value, path):
    """The value at `$.data.keys[0]` or `$['a/'].b`."""
    for quoted, plain in re.findall(r"\['([^']*)'\]|([^.\[\]$]+)", path):
        key = quoted or plain
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


class Replay:
    def __init__(self, server, judge, variables):
        self.server = server
        self.variables = variables
        self.exceptions = Exceptions(judge)

    def fill(self, text, missing):
        """The text with its variables; unknown ones go to `missing` and stay."""
        def value(found):
            if found.group(1) not in self.variables:
                missing.append(found.group(1))
            return str(self.variables.get(found.group(1), found.group(0)))
        return VARIABLE.sub(value, text)

    def body_of(self, request, missing):
        made = request.get("body_generated")
        if made:
            return (made["prefix"] + made["unit"] * made["count"] + made["suffix"]).encode()
        return None if request["body"] is None else self.fill(request["body"], missing).encode()

    def ask(self, request, missing):
        headers = {name: self.fill(value, missing).encode() for name, value in request["headers"].items()}
        path = self.fill(request["path"], missing)
        return self.server.try_to_ask(request["method"], path, headers, self.body_of(request, missing))

    def capture(self, exchange, answer):
        for path, name in exchange.get("captures", {}).items():
            try:
                self.variables[name] = dig(answer.json, path)
            except (KeyError, IndexError, TypeError, ValueError):
                yield "capture " + name, "nothing at " + path

    def differences(self, exchange, answer):
        wanted = exchange["response"]
        if answer.status != wanted["status"]:
            yield "status", "want %d got %d" % (wanted["status"], answer.status)
        yield from self.capture(exchange, answer)
        found = Recorded(self.variables, exchange.get("unordered", ()))
        if wanted["body_kind"] == "json":
            found.value("$", wanted["body"], answer.text if answer.json is None else answer.json)
        else:
            found.value("body", wanted["body"] or "", answer.text)
        yield from found.found
        yield from self.header_differences(wanted["headers"], answer.headers)
        if wanted["body_kind"] == "json" and answer.raw.endswith(b"\n") == bool(wanted.get("no_final_newline")):
            yield "final newline", "want %s" % ("none" if wanted.get("no_final_newline") else "one")

    def header_differences(self, wanted, got):
        found = Recorded(self.variables)
        for name, value in wanted.items():
            if name not in PASSING_HEADERS and not (name in got and found.text_fits(value, got[name])):
                yield "header " + name, "want %r got %r" % (value, got.get(name))
        for name in set(got) - set(wanted) - set(PASSING_HEADERS):
            yield "header " + name, "is too much: %r" % got[name]

    def run(self, exchange):
        """What differs and is not excused."""
        time.sleep(float(exchange.get("sleep_before_s", 0)))  # a token's life is what is recorded there
        missing = []
        answer = self.ask(exchange["request"], missing)
        found = list(self.differences(exchange, answer))
        found += [("variable", "${%s} is not known" % name) for name in missing if name not in ANY]
        request = exchange["request"]
        names = (exchange["case"], "%s %s" % (request["method"], request["path"]))
        return self.exceptions.left(names, found) if JUDGED == "gatehouse" else found


def replay(file, judge, start, known_root, report):
    server = start()
    try:
        run = Replay(server, judge, {"root_token": servers.ROOT} if known_root else {})
        with open(os.path.join(RECORDINGS, file), encoding="utf-8") as lines:
            for line in lines:
                exchange = servers.parsed(line)
                asked = exchange["request"]
                report("%s: %s" % (judge, exchange["case"]),
                       lines_of(asked["method"], asked["path"], asked["body"], run.run(exchange)))
        if JUDGED == "gatehouse":
            report("%s: every row of exceptions.tsv excuses something" % judge, run.exceptions.idle())
    finally:
        server.stop()


class Report:
    """TAP without a plan before the end, since what is asked is known only then."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.count = self.failed = 0

    def __call__(self, name, lines):
        if self.wanted and not any(part in name for part in self.wanted):
            return
        self.count += 1
        self.failed += bool(lines)
        print("%sok %d - %s" % ("not " if lines else "", self.count, name.replace("#", "")))
        for line in lines:
            print("# " + line)

    def end(self):
        print("1..%d" % self.count)
        return 1 if self.failed else 0


def lines_of(method, path, body, differences):
    """What to print of a request whose answer differs."""
    told = ["  %s: %s" % difference for difference in differences]
    return ["%s %s %s" % (method, path, (body or "")[:200].replace("\n", " "))] + told if told else []


def main():
    if not os.path.isdir(RECORDINGS):
        print("1..0 # SKIP the recordings are not beside this checkout")
        return 0
    report = Report(sys.argv[1:])
    for file, judge, start, known_root in REPLAYS:
        replay(file, judge, start[JUDGED], known_root, report)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
