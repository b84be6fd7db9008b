# SPDX-License-Identifier: Apache-2.0
"""What Okta's SDKs must get from okta-sim: the same cases for each SDK.

The SDKs were made for the real Okta, so where one of them stumbles, the simulator is wrong. Where the SDKs themselves
differ, a case says so.
"""
import shutil
import sys

from org import Bench, fetch  # first: it finds the live tests' folder
import harness
from basics import TOKEN, events, now_ms, rfc3339

cases = []


def case(function):
    """Registers a case; it gets a place, the bench, and the SDK's process."""
    cases.append((function, ()))
    return function


def not_for(*names):
    """Registers a case that these SDKs cannot carry out."""
    def register(function):
        cases.append((function, names))
        return function
    return register


def run(name, command):
    """Runs every case with the SDK that `command` starts, as TAP."""
    if not shutil.which(command[0]):
        sys.exit("%s is not there; `tools/deps test` installs it" % command[0])
    bench = Bench(name, command)
    for function in (f for f, others in cases if name not in others):
        def run_case(place, function=function):
            function(place, bench, bench.judge)
            assert bench.proxy.refused == [], bench.proxy.refused
        run_case.__name__ = "%s: %s" % (name, function.__name__)
        harness.tests.append(run_case)
    try:
        harness.main()
    finally:
        bench.stop()


def shown(event):
    """An event as the judges show it."""
    return [event["uuid"], event["eventType"], event["published"], (event["actor"] or {}).get("alternateId"),
            (event["outcome"] or {}).get("result"), [target["id"] for target in event["target"] or []]]


def items_of(answer):
    assert "items" in answer, answer
    return answer["items"]


def assert_refused(answer, status, code, text="", kind=None):
    assert "error" in answer, answer
    got = answer["error"]
    assert (got["status"], got["code"]) == (status, code), got
    assert text in (got["summary"] or "") + "".join(got["causes"]), got


def assert_empty_refusal(answer, status, error):
    """An answer without a body, whose reason stands in WWW-Authenticate."""
    assert "error" in answer, answer
    got = answer["error"]
    assert (got["status"], got["code"]) == (status, None), got
    assert 'error="%s"' % error in got["challenge"], got


# ---- SSWS ----

def with_token(sdk, token=TOKEN, **more):
    return sdk.client(authorizationMode="SSWS", token=token, **more)


def last_day():
    now = now_ms() // 1000 * 1000  # the Go SDK writes whole seconds
    return {"since": rfc3339(now - 90000_000), "until": rfc3339(now)}


@case
def reads_a_bounded_range_page_by_page(place, bench, sdk):
    sim = bench.sim(place, "--generate", "350", "--seed", "4")
    span = last_day()
    wanted = fetch(sim, "/api/v1/logs?limit=1000&since=%(since)s&until=%(until)s" % span)
    got = sdk.ask(do="events", client=with_token(sdk), query=dict(span, limit=100))
    assert len(wanted) >= 300 and got == {"items": [shown(e) for e in wanted], "pages": 1 + (len(wanted) - 1) // 100}


@case
def reads_backwards(place, bench, sdk):
    sim = bench.sim(place)
    written = events(25, seed=2)
    sim.add(written, persisted="published")
    got = sdk.ask(do="events", client=with_token(sdk), query=dict(last_day(), limit=10, sortOrder="DESCENDING"))
    assert [item[0] for item in items_of(got)] == [e["uuid"] for e in reversed(written)] and got["pages"] == 3


@case
def follows_the_log_while_it_grows(place, bench, sdk):
    sim = bench.sim(place)
    written = events(120, seed=3)
    sim.add(written[:50])
    client = with_token(sdk)
    sdk.say(dict(do="follow", client=client, want=120, query={"since": rfc3339(now_ms() - 60000), "limit": 20}))
    for at in range(50, 120, 10):
        sim.add(written[at:at + 10])
    assert items_of(sdk.answer()) == [shown(e) for e in written]


@case
def filters(place, bench, sdk):
    sim = bench.sim(place)
    written = events(60, seed=5)
    sim.add(written, persisted="published")
    query = dict(last_day(), limit=7, filter='eventType eq "user.session.start" and outcome.result eq "FAILURE"')
    wanted = [shown(e) for e in written
              if e["eventType"] == "user.session.start" and e["outcome"]["result"] == "FAILURE"]
    assert items_of(sdk.ask(do="events", client=with_token(sdk), query=query)) == wanted and len(wanted) > 7


@case
def searches_for_words(place, bench, sdk):
    sim = bench.sim(place)
    written = events(200, seed=6)
    sim.add(written, persisted="published")
    word = written[3]["actor"]["alternateId"]
    got = sdk.ask(do="events", client=with_token(sdk), query=dict(last_day(), q=word))
    assert items_of(got) == [shown(e) for e in written if e["actor"]["alternateId"] == word]


@case
def is_told_of_a_wrong_token(place, bench, sdk):
    bench.sim(place)
    assert_refused(sdk.ask(do="events", client=with_token(sdk, "00wrong"), query={}), 401, "E0000011",
                   "Invalid token provided")


@case
def is_told_of_a_revoked_token(place, bench, sdk):
    sim = bench.sim(place)
    client = with_token(sdk)
    assert items_of(sdk.ask(do="events", client=client, query=last_day())) == []
    sim.role("revoked")
    assert_refused(sdk.ask(do="events", client=client, query=last_day()), 401, "E0000011")


@case
def is_told_of_a_missing_role(place, bench, sdk):
    bench.sim(place).role("missing")
    assert_refused(sdk.ask(do="events", client=with_token(sdk), query={}), 403, "E0000006",
                   "You do not have permission")


@case
def is_told_of_a_wrong_filter(place, bench, sdk):
    bench.sim(place)
    query = dict(last_day(), filter='eventType is "user.session.start"')
    assert_refused(sdk.ask(do="events", client=with_token(sdk), query=query), 400, "E0000053", "Invalid filter")


@not_for("Go SDK")  # its parameter is a time
def is_told_of_a_wrong_instant(place, bench, sdk):
    bench.sim(place)
    query = dict(last_day(), until="yesterday")
    assert_refused(sdk.ask(do="events", client=with_token(sdk), query=query), 400, "E0000001", "until: ")


@case
def waits_when_the_minute_is_used_up(place, bench, sdk):
    sim = bench.sim(place)
    written = events(5, seed=7)
    sim.add(written, persisted="published")
    sim.fault("rate_limit", seconds=1)
    got = sdk.ask(do="events", client=with_token(sdk), query=last_day())
    assert items_of(got) == [shown(e) for e in written]
    refused, served = sim.requests()
    assert (refused["status"], served["status"]) == (429, 200)
    # The SDK names the refused request by the id that it got with the answer.
    assert served["headers"]["x-okta-retry-count"] == "1", served["headers"]
    assert len(served["headers"]["x-okta-retry-for"]) >= 20, served["headers"]


@case
def gives_up_when_the_rate_limit_stays(place, bench, sdk):
    sim = bench.sim(place)
    sim.fault("rate_limit", seconds=1, count=10)
    answer = sdk.ask(do="events", client=with_token(sdk, retries=1), query=last_day())
    assert sim.count() == 2
    if sdk.name == "Go SDK":  # does not show the last answer
        assert answer["error"]["text"] == "too many requests", answer
    else:
        assert_refused(answer, 429, "E0000047", "API call exceeded rate limit due to too many requests")


@case
def waits_when_too_much_is_in_progress(place, bench, sdk):
    sim = bench.sim(place)
    sim.fault("concurrency", seconds=1)
    assert items_of(sdk.ask(do="events", client=with_token(sdk), query=last_day())) == []
    assert [r["status"] for r in sim.requests()] == [429, 200]


@case
def is_told_of_an_internal_error(place, bench, sdk):
    bench.sim(place).fault("500", code="E0000009")
    assert_refused(sdk.ask(do="events", client=with_token(sdk), query=last_day()), 500, "E0000009")
