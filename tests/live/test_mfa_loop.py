# SPDX-License-Identifier: Apache-2.0
"""The gate reads the watch: what people deny, report or suffer elsewhere stops pushes; our pushes are found in Okta's
own log; and a push by our credentials that is none of ours is an alarm."""
import json

from harness import each_of, main, test, wait_until
from stepups import DENIED, StepUps, code_factor, push_factor

SECOND_TOKEN = "00secondTokenOfTheTests"


def watched(place, **more):
    return StepUps(place, watched=True, **more)


@test
def a_denial_stops_the_next_push_until_an_administrator_clears_it(place):
    company = watched(place)
    ann, bob = company.person("ann"), company.person("bob")
    company.denied(ann)
    company.wait_guard(ann, "pause")
    for _ in range(3):
        company.refused(ann)
    seen = company.guard(ann)
    assert (seen["refusals"], seen["last_refusal_rule"]) == (3, "pause"), seen
    company.approved(bob)  # nobody else is stopped
    company.gate.stop()
    company.gate.start()
    company.refused(ann)  # nor does a restart forget it
    company.clear(ann)
    company.approved(ann)
    assert company.pushes(ann) == 2


# What happens elsewhere, how Okta logs it, the rule that then speaks.
ELSEWHERE = {
    "a denial": ("denial", {}, "pause"),
    "a denial in a classic org": ("denial", {"engine": "classic"}, "pause"),
    "a wrong number": ("wrong_number", {}, "lock"),
    "a report of suspicious activity": ("suspicious", {}, "lock"),
    "an account lock": ("lock", {}, "lock"),
    "high risk": ("risk", {}, "risk"),
}


@each_of(ELSEWHERE)
def no_push_goes_out_after_what_the_log_told(place, case):
    signal, settings, rule = case
    company = watched(place)
    if settings:
        company.sim.set(**settings)
    ann, bob = company.person("ann"), company.person("bob")
    company.approved(ann)  # so that the guard knows both of them
    company.approved(bob)
    company.signal(ann, signal)
    company.wait_guard(ann, rule)
    company.refused(ann)
    documents = wait_until(lambda: [d for d in company.mfa_documents("mfa-refused") if ann.login in json.dumps(d)],
                           "the refusal's document")
    assert rule in json.dumps(documents[-1]), documents[-1]
    company.approved(bob)
    if signal == "lock":
        company.signal(ann, "unlock")
        company.wait_guard(ann, None)
    company.clear(ann)
    company.approved(ann)


@test
def what_the_log_tells_of_somebody_unknown_counts_once_he_is_known(place):
    company = watched(place)
    ann = company.person("ann")
    company.signal(ann, "lock")
    company.wait_guard(ann, "lock")
    company.refused(ann)


@test
def an_unlocked_account_and_a_lower_risk_lift_what_they_caused(place):
    company = watched(place)
    ann = company.person("ann")
    company.approved(ann)
    company.signal(ann, "lock")
    company.wait_guard(ann, "lock")
    company.signal(ann, "unlock")
    company.wait_guard(ann, None)
    company.approved(ann)
    company.signal(ann, "risk")
    company.wait_guard(ann, "risk")
    company.signal(ann, "risk", level="LOW")
    company.wait_guard(ann, None)
    company.approved(ann)


@test
def a_right_code_clears_what_a_report_locked(place):
    company = watched(place)
    ann = company.person("ann", factors=[push_factor(), code_factor("123456", "234567")])
    company.approved(ann)
    company.signal(ann, "suspicious")
    company.wait_guard(ann, "lock")
    company.refused(ann)
    assert company.read(ann, mfa="my_okta:123456")[0] == 200
    company.approved(ann)


@test
def a_report_while_the_push_is_out_ends_the_wait(place):
    company = watched(place)
    ann = company.person("ann")
    asked = company.ask(ann)
    company.wait_polls(ann, 1)
    company.signal(ann, "suspicious")
    assert asked.answer() == (403, DENIED)
    assert company.request_document(ann.path)["event"]["reason"] == "Okta's log told of something that forbids it"
    company.wait_state(ann, "cancelled")


@test
def each_push_is_joined_with_what_okta_logged_of_it(place):
    company = watched(place)
    ann, bob = company.person("ann"), company.person("bob")
    company.approved(ann)
    company.denied(bob)
    for person in (ann, bob):
        challenge = company.challenges(person)[0]
        events = company.joined(challenge, 2)
        logged = {e["uuid"]: e for e in company.logged(person)}
        assert len(logged) == 2, logged
        assert {e["uuid"] for e in events} == set(logged), (events, logged)
        for e in events:
            assert e["transaction_id"] == logged[e["uuid"]]["transaction"]["id"], (e, logged)
    found = wait_until(lambda: len(company.mfa_documents("mfa-joined")) >= 4 and company.mfa_documents("mfa-joined"),
                       "the documents of joining")
    text = json.dumps(found)
    for person in (ann, bob):
        for e in company.logged(person):
            assert e["uuid"] in text and e["transaction"]["id"] in text, e
    assert not company.mfa_documents("mfa-foreign")
    # A denial that is our own is not counted twice.
    assert company.guard(bob)["denials"] == 1, company.guard(bob)


@test
def an_entry_by_our_credentials_that_is_none_of_ours_is_an_alarm(place):
    company = watched(place)
    ann, bob, eve = company.person("ann"), company.person("bob"), company.person("eve")
    company.approved(ann)
    company.joined(company.challenges(ann)[0], 2)  # now it is known who we are
    company.sim.ask("/_sim/tokens", {"token": SECOND_TOKEN, "role": "ok"})
    company.push_by_hand(bob.login, SECOND_TOKEN)  # somebody else's
    company.push_by_hand(eve.login, company.sim.token)  # our own key in other hands
    wait_until(lambda: company.mfa_documents("mfa-foreign"), "the alarm")
    company.approved(ann)
    company.joined(company.challenges(ann)[-1], 2)  # by then all before it has been read
    alarm = company.mfa_documents("mfa-foreign")
    assert len(alarm) == 1 and alarm[0]["event"]["kind"] == "alert", alarm
    uuids = [e["uuid"] for e in company.logged(eve)]
    assert any(u in json.dumps(alarm) for u in uuids), (alarm, uuids)
    assert bob.login not in json.dumps(alarm)


def command(company, *args):
    """`gatehouse mfa` as root; what it prints."""
    env = {"BAO_ADDR": "http://127.0.0.1:%d" % company.gate.port, "BAO_TOKEN": company.gate.root}
    done = company.place.run("mfa", *args, env=env)
    assert done.returncode == 0, done.err
    return done.out


@test
def the_command_shows_the_joined_trail_and_clears_the_guard(place):
    company = watched(place)
    ann = company.person("ann")
    company.approved(ann)
    company.denied(ann)
    for challenge in company.challenges(ann):
        company.joined(challenge, 2)
    listed = [json.loads(line) for line in command(company, "challenges", "--json").splitlines()]
    assert [c["outcome"] for c in listed] == ["denied", "allowed"], listed
    shown = command(company, "challenges", listed[0]["id"])
    for entry in company.joined(listed[0], 2):
        assert entry["uuid"] in shown and entry["transaction_id"] in shown, shown
    assert "pause" in command(company, "guard", ann.login) and ann.login in command(company, "guard")
    company.refused(ann)
    command(company, "guard", ann.login, "--clear")
    assert ann.login not in command(company, "guard")
    company.approved(ann)


@test
def the_guard_and_the_challenges_are_for_those_with_the_policy(place):
    company = watched(place)
    ann = company.person("ann")
    company.denied(ann)
    challenge = company.challenges(ann)[0]["id"]
    for method, path in (("LIST", "sys/mfa/guard"), ("GET", "sys/mfa/guard/" + ann.login),
                         ("DELETE", "sys/mfa/guard/" + ann.login), ("LIST", "sys/mfa/challenge"),
                         ("GET", "sys/mfa/challenge/" + challenge)):
        assert company.ask(ann, method, path).answer() == (403, DENIED), path
    assert company.guard(ann)["push"]["rule"] == "pause"


if __name__ == "__main__":
    main(jobs=4)
