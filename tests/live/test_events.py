# SPDX-License-Identifier: Apache-2.0
"""What events may be: huge, strange, or no events at all; and the dead letters."""
import json
import random

from harness import assert_each_once, each_of, event, events, main, now_ms, test, uuids_of


# ---- what events may be ----

def raw(one, old, new):
    text = json.dumps(one)
    assert old in text, old
    return text.replace(old, new)


def big_event():
    return json.dumps(event(now_ms(), random.Random(50), debugContext={"debugData": {"big": "x" * (30 << 20)}}))


def long_string():
    return json.dumps(event(now_ms(), random.Random(51), displayMessage="\u00e4" * (5 << 20)), ensure_ascii=False)


def repeated_keys():
    return raw(event(now_ms(), random.Random(52)), '"severity": "INFO"', '"severity": "INFO", "severity": "WARN"')


def long_numbers():
    one = event(now_ms(), random.Random(53), debugContext={"debugData": {"n": "NUMBER", "m": [1]}})
    return raw(one, '"NUMBER"', "9" * 400)


@each_of({"an event of 30 MB": big_event, "a string of 10 MB": long_string, "a repeated key": repeated_keys,
          "a number of 400 digits": long_numbers})
def strange_but_valid_events_are_delivered_unchanged(place, make):
    sim = place.sim()
    others = events(20, seed=54)
    text = make()
    sim.add(others[:10] + [text] + others[10:])
    place.simple(sim, preserve_original_event="true")
    place.collect_once()
    uuid = json.loads(text)["uuid"]
    assert_each_once(place.uuids_in_db(), uuids_of(others) + [uuid], "events.db")
    assert_each_once(place.uuids_in_file(), uuids_of(others) + [uuid], "file")
    document = place.in_db()[uuid]
    assert json.loads(document)["event"]["original"] == text
    if "9" * 400 in text:
        assert ("9" * 400) in document.replace(json.dumps(text), ""), "the number is not in a field of its own"
    assert place.dead_letters() == []


def nested(levels):
    """Deep where `remove_flattened_debug` does not look."""
    return json.dumps(event(now_ms(), random.Random(60))).replace(
        '"version": "0"',
        '"version": "0", "debugContext": {"debugData": {"tunnels": %s1%s}}' % ("[" * levels, "]" * levels))


def without_uuid():
    one = event(now_ms(), random.Random(61))
    del one["uuid"]
    return json.dumps(one)


@each_of({
    "without a uuid": (without_uuid, "no uuid"),
    "a number": (lambda: "42", "not a JSON object"),
    "a string": (lambda: '"event"', "not a JSON object"),
    "null": (lambda: "null", "not a JSON object"),
    "an array": (lambda: "[1, 2]", "not a JSON object"),
    "nested 300 deep": (lambda: nested(300), "nested deeper"),
})
def what_cannot_be_mapped_goes_to_the_dead_letters_with_a_reason(place, case):
    make, reason = case
    sim = place.sim()
    others = events(40, seed=62)
    text = make()
    sim.add(others[:20] + [text] + others[20:])
    place.simple(sim)
    p = place.collect_once()
    place.assert_delivered(others)
    assert "watch.dead_letters" in p.err, p.err
    letters = place.dead_letters()
    assert sorted(d["output"] for d in letters) == ["archive", "db"], letters
    for letter in letters:
        assert reason in letter["reason"] and letter["event"] == text and letter["source"] == "acme", letter
    assert [row["dead_letters"] for row in place.status().values()] == [1, 1]


@test
def a_dead_letter_whose_reason_is_gone_is_replayed_once(place):
    sim = place.sim()
    others, text = events(30, seed=63), nested(300)
    sim.add(others + [text, without_uuid()])
    settings = place.simple(sim)
    place.collect_once()
    letters = place.dead_letters()
    assert len(letters) == 4, letters
    deep = [d["id"] for d in letters if "nested" in d["reason"]]

    still = place.run("dead-letters", "replay", "-c", settings)
    assert still.returncode == 1 and "0 delivered, 4 kept" in still.out, (still.out, still.err)
    assert "nested deeper" in still.err and "no uuid" in still.err, still.err

    flat = ("--set", "sources.0.remove_flattened_debug=true", "-c", settings)
    one = place.run("dead-letters", "replay", "--id", str(deep[0]), *flat)
    assert one.returncode == 0 and "1 delivered, 0 kept" in one.out, (one.out, one.err)
    rest = place.run("dead-letters", "replay", *flat)
    assert rest.returncode == 1 and "1 delivered, 2 kept" in rest.out, (rest.out, rest.err)
    assert [d["reason"] for d in place.dead_letters()] == ["the event has no uuid"] * 2
    sim.add([text])
    place.collect_once()
    place.assert_delivered(others + [json.loads(text)])


@test
def an_event_whose_published_cannot_be_read_is_delivered_and_said_once(place):
    sim = place.sim()
    odd = events(12, seed=64)
    for one in odd[::2]:
        one["published"] = "yesterday"
    sim.add(odd)
    place.simple(sim, limit=4)
    p = place.collect_once()
    place.assert_delivered(odd)
    assert p.err.count("okta.published_unreadable") == 1, p.err


if __name__ == "__main__":
    main(jobs=4)
