# SPDX-License-Identifier: Apache-2.0
"""Step-up when Okta limits, fails or is not there, and each way to reach it: TLS at the method's own address, an app's
tokens instead of an API token."""
import os
import random

import jws
from harness import each_of, main, refusing_port, remark, test, wait_until
from stepups import DENIED, ORG, SECRET, StepUps

UNREACHABLE = "Okta cannot be reached, or refuses the gate's credentials"
CLIENT = "0oaGateOfTheTests"
SCOPES = ["okta.logs.read", "okta.users.read", "okta.users.manage"]


def assert_unreachable(company, person, pushes=0):
    assert company.read(person) == (403, DENIED)
    assert company.request_document(person.path)["event"]["reason"] == UNREACHABLE
    assert company.pushes(person) == pushes


# ---- limits

@each_of({"finding the user": "users", "listing the factors": "factors", "sending the push": "verify",
          "asking for the answer": "poll"})
def a_429_is_waited_out_and_the_push_sent_once_when_it_strikes(place, where):
    company = StepUps(place)
    ann = company.person("ann", phone="approve")
    company.sim.fault("rate_limit", path=where, seconds=1)
    status, answer = company.read(ann)
    assert (status, answer and answer.get("data")) == (200, SECRET), (status, answer)
    assert company.sim.faults_left() == 0
    counts = company.counts(ann)
    assert counts["pushes"] == 1, counts
    assert counts["verify"]["asked"] - counts["verify"]["refused"] == 1, counts


@each_of({"finding the user": "users", "listing the factors": "factors", "asking for the answer": "poll"})
def a_concurrency_limit_is_waited_out_when_it_strikes(place, where):
    company = StepUps(place)
    ann = company.person("ann", phone="approve")
    company.sim.fault("concurrency", path=where, count=2)
    assert company.read(ann)[0] == 200
    assert company.pushes(ann) == 1


def slow(company, ms):
    """Every answer of Okta's takes so long."""
    company.sim.fault("slow_body", path="any", probability=1, bytes=1, total_ms=ms, delay_ms=ms // 4)


def crowd_passes(place, count, concurrency, ms):
    """Everybody who asks at once is let in by an org that takes so many requests; what it counted."""
    company = StepUps(place, mfa={"wait": "60s"}, guard={"brake": 1})
    people = [company.person("p%d" % i, phone="approve") for i in range(count)]
    company.sim.set(concurrency=concurrency)
    slow(company, ms)
    asked = [company.ask(person) for person in people]
    assert {request.answer()[0] for request in asked} == {200}
    return company.sim.stats()


@test
def the_concurrency_limit_is_kept_by_all_buckets_together(place):
    stats = crowd_passes(place, count=120, concurrency=33, ms=400)
    assert stats["throttled"] == {"rate": 0, "concurrency": 0}, stats["throttled"]
    assert 24 <= stats["max_in_progress"] <= 33, stats["max_in_progress"]


@test
def a_crowd_that_is_too_much_at_once_is_served_in_turn(place):
    stats = crowd_passes(place, count=60, concurrency=12, ms=200)
    assert 1 <= stats["throttled"]["concurrency"] < 30, stats["throttled"]


@test
def the_polls_of_those_who_wait_keep_nobody_out(place):
    company = StepUps(place, mfa={"wait": "60s", "poll_interval": "1s"}, guard={"brake": 1})
    people = [company.person("p%d" % i) for i in range(150)]
    slow(company, 400)
    asked = [company.ask(person) for person in people]
    wait_until(lambda: company.total_pushes() == len(people), "everybody's push")
    company.sim.no_faults()
    company.answer_all("approve")
    assert {request.answer()[0] for request in asked} == {200}


@test
def a_429_that_does_not_end_is_a_403(place):
    company = StepUps(place, mfa={"wait": "3s"})
    ann = company.person("ann", phone="approve")
    company.sim.fault("rate_limit", path="verify", probability=1, seconds=30)
    assert company.read(ann) == (403, DENIED)
    assert company.pushes(ann) == 0


@test
def the_budget_of_the_org_is_never_overdrawn(place):
    company = StepUps(place, mfa={"wait": "15s"}, guard={"brake": 1})
    people = [company.person("p%d" % i, phone="approve") for i in range(30)]
    company.sim.set(users_rate_limit=40, factors_rate_limit=400, verify_rate_limit=60)
    company.sim.ask("/_sim/reset", {})
    asked = [company.ask(person) for person in people]
    answers = [request.answer() for request in asked]
    assert {status for status, _ in answers} <= {200, 403}
    stats = company.sim.stats()
    assert stats["throttled"] == {"rate": 0, "concurrency": 0}, stats["throttled"]
    assert any(status == 200 for status, _ in answers), answers
    assert sum(company.pushes(p) for p in people) == sum(status == 200 for status, _ in answers)


@test
def the_brake_stops_pushes_before_the_org_has_none_left(place):
    company = StepUps(place, guard={"brake": 0.2})
    people = [company.person("p%d" % i, phone="approve") for i in range(40)]
    company.sim.set(verify_rate_limit=200)  # half of it is this token's: 100, of which 20
    company.sim.ask("/_sim/reset", {})
    statuses = []
    for at in range(0, len(people), 5):
        asked = [company.ask(person) for person in people[at:at + 5]]
        statuses += [request.answer()[0] for request in asked]
    sent = sum(company.pushes(p) for p in people)
    assert 15 <= sent <= 22, sent
    assert statuses == [200] * sent + [403] * (len(people) - sent), statuses
    wait_until(lambda: [d for d in company.mfa_documents("mfa-refused") if "brake" in str(d)], "the rule in a document")


# ---- failures

@test
def an_okta_that_is_not_there_is_a_403(place):
    held, port = refusing_port()
    company = StepUps(place, mfa={"okta_url": '"http://127.0.0.1:%d"' % port, "wait": "2s"})
    ann = company.person("ann", phone="approve")
    assert_unreachable(company, ann)
    held.close()


@test
def an_okta_that_goes_away_in_the_middle_is_a_403_and_comes_back_as_new(place):
    company = StepUps(place, mfa={"wait": "3s"})
    ann, bob = company.person("ann"), company.person("bob", phone="approve")
    asked = company.ask(ann)
    company.wait_polls(ann, 1)
    company.sim.fault("reset_before", path="poll", probability=1)
    assert asked.answer() == (403, DENIED)
    company.sim.no_faults()
    assert company.read(bob)[0] == 200


@each_of({"a 500": "500", "a 503": "503", "a 504": "504", "a closed connection": "reset_before"})
def what_may_be_repeated_is_asked_again_after(place, kind):
    company = StepUps(place)
    ann = company.person("ann", phone="approve")
    for where in ("users", "factors", "poll"):
        company.sim.fault(kind, path=where)
    assert company.read(ann)[0] == 200
    assert company.sim.faults_left() == 0
    counts = company.counts(ann)
    assert (counts["pushes"], counts["verify"]["asked"]) == (1, 1), counts


@each_of({"a 500": "500", "a 503": "503", "a 504": "504", "a closed connection": "reset_before"})
def a_push_of_which_nobody_knows_is_not_sent_again_after(place, kind):
    company = StepUps(place)
    ann = company.person("ann", phone="approve")
    company.sim.fault(kind, path="verify")
    assert company.read(ann) == (403, DENIED)
    counts = company.counts(ann)
    assert counts["verify"]["asked"] == 1, counts
    # It may be on the phone: until its time is over nobody sends a second one.
    company.refused(ann)


@each_of({"half a body": ("wrong_json", {"style": "cut"}), "a sign-in page": ("html", {}),
          "an object around the array": ("not_array", {})})
def an_answer_that_is_not_what_was_asked_for_allows_nothing(place, fault):
    kind, more = fault
    company = StepUps(place, mfa={"wait": "4s"})
    for where in ("users", "factors", "verify", "poll"):
        if kind == "not_array" and where in ("verify", "poll"):
            continue
        person = company.person(where, phone="approve")
        company.sim.fault(kind, path=where, probability=1, **more)
        got = company.read(person)
        company.sim.no_faults()
        assert got == (403, DENIED), (where, got)


SEED = int(os.environ.get("SEED", random.randrange(2**32)))
WEATHER = [("500", {}), ("503", {}), ("504", {}), ("reset_before", {}), ("rate_limit", {"seconds": 1}), ("html", {}),
           ("wrong_json", {"style": "cut"}), ("reset_body", {}), ("stall_body", {}), ("stall_before", {}),
           ("no_rate_headers", {}), ("skewed_date", {})]


@test
def in_bad_weather_nobody_passes_who_has_not_approved_and_nobody_has_two_pushes(place):
    remark("SEED=%d" % SEED)
    rand = random.Random(SEED)
    company = StepUps(place, mfa={"wait": "12s", "http_client_timeout": "500ms"}, guard={"brake": 1})
    phones = ["approve", "approve", "deny", "cancel", "unknown", "ignore", "wrong_number"]
    people = [company.person("p%d" % i, phone=rand.choice(phones) if i else "approve") for i in range(60)]
    for where in ("users", "factors", "verify", "poll"):
        for kind, more in WEATHER:
            company.sim.fault(kind, path=where, probability=0.03, seed=rand.randrange(1000), **more)
    asked = [(person, company.ask(person)) for person in people for _ in range(2)]
    answers = [(person, request.answer()) for person, request in asked]
    company.sim.no_faults()
    assert {status for _, (status, _) in answers} == {200, 403}, answers
    for person in people:
        passed = sum(p is person and status == 200 for p, (status, _) in answers)
        states = [push["state"] for push in company.pushes_of(person.login)]
        counts = company.counts(person)
        assert passed <= states.count("approved"), (person.name, passed, states)
        assert counts["overlapping"] == 0 and len(states) <= 2, (person.name, counts)
    strange = [got for _, got in answers if got[0] == 403 and got != (403, DENIED)]
    assert not strange, strange


# ---- credentials

@test
def credentials_that_okta_refuses_are_a_403_and_no_push(place):
    company = StepUps(place)
    ann = company.person("ann", phone="approve")
    for role in ("missing", "revoked"):
        company.sim.role(role)
        assert company.read(ann) == (403, DENIED)
        assert company.last_request(ann)["event"]["reason"] == UNREACHABLE
    company.sim.role("ok")
    assert company.read(ann)[0] == 200
    assert company.pushes(ann) == 1


class App:
    """An app with these scopes at the simulator, and the source of the gate that signs in as it."""

    def __init__(self, place, sim, granted=SCOPES, dpop=False):
        self.key = jws.Key(place.root, "ES256", "key-1")
        path = place.write("app.pem", open(self.key.path).read())
        os.chmod(path, 0o600)
        self.sim, self.app = sim, {"client_id": CLIENT, "scopes": granted, "roles": True, "auth": "private_key_jwt",
                                   "jwks": {"keys": [self.key.jwk]}, "dpop": dpop}
        sim.ask("/_sim/apps", self.app)
        rows = [("url", sim.url), ("name", "acme"), ("okta_domain_url", sim.base), ("client_id", CLIENT),
                ("key_pem", "${file:%s}" % path), ("interval", "1s"), ("initial_interval", "1m"),
                ("okta_scopes", "[%s]" % ", ".join(granted))]
        self.settings = "sources:\n  - " + "    ".join("%s: %s\n" % row for row in rows)


def by_app(place, **app):
    sim = place.sim()
    app = App(place, sim, **app)
    # okta_url points nowhere: the source's org is what is asked.
    company = StepUps(place, sim=sim, extra=app.settings, mfa={"okta_url": None},
                      method={"okta_source": "acme", "org_name": None, "api_token": None})
    sim.role("revoked")  # nothing may need the API token
    return company


@each_of({"bearer tokens": False, "DPoP": True})
def a_method_that_names_a_source_asks_as_that_sources_app_with(place, dpop):
    company = by_app(place, dpop=dpop)
    ann = company.person("ann")
    company.approved(ann)
    company.denied(ann)
    assert company.pushes(ann) == 2
    assert company.sim.stats()["tokens"]["issued"] > 0


@test
def a_scope_that_is_not_granted_is_a_403_without_a_body_and_no_push(place):
    company = by_app(place, granted=["okta.logs.read", "okta.users.read"])
    ann = company.person("ann", phone="approve")
    assert_unreachable(company, ann)
    assert company.counts(ann)["verify"]["refused"] == 1


@test
def an_access_token_that_is_over_in_the_middle_is_fetched_anew_without_a_second_push(place):
    company = by_app(place, dpop=True)
    ann = company.person("ann")
    asked = company.ask(ann)
    company.wait_polls(ann, 1)
    company.sim.ask("/_sim/tokens/revoke", {})
    company.answer(ann, "approve")
    assert asked.answer()[0] == 200
    company.sim.ask("/_sim/tokens/revoke", {})
    company.approved(ann)
    assert company.pushes(ann) == 2


@test
def a_source_that_does_not_exist_refuses(place):
    company = StepUps(place, method={"okta_source": "nosuch", "org_name": None, "api_token": None})
    ann = company.person("ann", phone="approve")
    company.refused(ann)


# ---- TLS at the method's own address

def by_tls(place, ca, name="dev-1.localhost", org=ORG):
    sim = place.sim("--tls-make", place.path("tls"), "--tls-name", name)
    ssl = "{ certificate_authorities: [%s] }" % place.path("tls", "ca.pem") if ca else None
    return StepUps(place, sim=sim, mfa={"okta_url": None, "ssl": ssl},
                   method={"base_url": "localhost:%d" % sim.port, "org_name": org})


@test
def a_method_is_asked_for_at_its_own_address_over_tls(place):
    company = by_tls(place, ca=True)
    ann = company.person("ann")
    company.approved(ann)
    company.denied(ann)
    assert company.pushes(ann) == 2


@each_of({"an unknown authority": {"ca": False}, "another name": {"ca": True, "org": "dev-2"}})
def a_certificate_is_refused_of(place, case):
    company = by_tls(place, **case)
    ann = company.person("ann", phone="approve")
    assert_unreachable(company, ann)


if __name__ == "__main__":
    main(jobs=4)
