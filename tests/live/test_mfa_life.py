# SPDX-License-Identifier: Apache-2.0
"""What happens to a request that waits for the phone when the world changes around it: policies, tokens and entities,
seal, reload, end and kill -9."""
import collections
import http.client
import os
import random
import signal
import time

from harness import each_of, main, read_text, remark, test, wait_until
from stepups import DENIED, SECRET, StepUps, policy


def waiting(place, **more):
    """Ann's read waits for her phone."""
    company = StepUps(place, **more)
    ann = company.person("ann")
    asked = company.ask(ann)
    company.wait_polls(ann, 1)
    return company, ann, asked


# ---- judged anew

DENYING = 'path "secret/*" { policy = "deny" }'
CHANGES = {
    "the policy denies now": lambda c, p: c.put("sys/policies/acl/mfa", {"policy": DENYING}),
    "the policy is gone": lambda c, p: c.put("sys/policies/acl/mfa", method="DELETE"),
    "another method is demanded": lambda c, p: c.put("sys/policies/acl/mfa", {"policy": policy("other")}),
    "one more method is demanded": lambda c, p: c.put("sys/policies/acl/mfa", {"policy": policy("my_okta", "other")}),
    "the token is revoked": lambda c, p: c.put("auth/token/revoke", {"token": p.token}),
    "the entity is disabled": lambda c, p: c.put("identity/entity/id/" + p.entity, {"disabled": True}),
    "the entity is gone": lambda c, p: c.put("identity/entity/id/" + p.entity, method="DELETE"),
    "the entity has another policy": lambda c, p: c.put("identity/entity/id/" + p.entity, {"policies": "none"}),
}


@each_of(CHANGES)
def an_approved_push_is_of_no_use_when(place, change):
    company, ann, asked = waiting(place)
    change(company, ann)
    company.answer(ann, "approve")
    status, answer = asked.answer()
    assert status == 403 and answer in (DENIED, {"errors": ["permission denied"]}), (status, answer)


@test
def a_policy_that_demands_nothing_any_more_is_met(place):
    company, ann, asked = waiting(place)
    company.put("sys/policies/acl/mfa", {"policy": 'path "secret/*" { capabilities = ["read"] }'})
    company.answer(ann, "approve")
    assert asked.answer()[0] == 200


@test
def what_is_read_is_what_is_there_after_the_push(place):
    company, ann, asked = waiting(place)
    company.put(ann.path, {"user": "later"})
    company.answer(ann, "approve")
    assert asked.answer()[1]["data"] == {"user": "later"}


@test
def a_method_that_is_deleted_in_the_middle_allows_nothing(place):
    company, ann, asked = waiting(place)
    company.put("sys/mfa/method/okta/my_okta", method="DELETE")
    company.method("my_okta", username_format="somebody-else")
    company.answer(ann, "approve")
    status, answer = asked.answer()
    assert (status, answer) == (403, DENIED) or answer["data"] == SECRET, (status, answer)
    company.put("sys/mfa/method/okta/my_okta", method="DELETE")
    company.refused(ann)


# ---- seal, reload, end

@test
def sealing_refuses_what_waits_and_takes_the_push_back(place):
    company, ann, asked = waiting(place)
    company.put("sys/seal")
    status, _ = asked.answer()
    assert status in (403, 503), status
    company.wait_state(ann, "cancelled")
    company.unseal()
    bob = company.person("bob")
    company.approved(bob)
    # What could not be written down counts as being out: at most one is on the phone, whichever it is.
    asked = company.ask(ann)
    wait_until(lambda: asked.is_answered() or company.pushes(ann) == 2, "a push or a refusal")
    if company.pushes(ann) == 2:
        company.answer(ann, "approve")
    assert (asked.answer()[0] == 200) == (company.pushes(ann) == 2)
    assert company.counts(ann)["overlapping"] == 0


@test
def a_reload_goes_on_with_what_waits(place):
    company, ann, asked = waiting(place)
    reload(company, lambda text: text)
    company.wait_polls(ann, company.counts(ann)["polls"]["asked"] + 2)
    assert not asked.is_answered()
    company.answer(ann, "approve")
    assert asked.answer()[0] == 200
    assert company.pushes(ann) == 1


BY_SOURCE = {"okta_source": "acme", "org_name": None, "api_token": None}


@test
def a_source_that_is_changed_in_the_middle_goes_on_with_what_waits(place):
    company, ann, asked = waiting(place, watched=True, method=BY_SOURCE)
    reload(company, lambda text: text.replace("interval: 100ms", "interval: 200ms"))
    company.wait_polls(ann, company.counts(ann)["polls"]["asked"] + 2)
    company.answer(ann, "approve")
    assert asked.answer()[0] == 200
    company.approved(ann)


@test
def a_source_that_is_gone_refuses_what_waits_and_what_comes(place):
    company, ann, asked = waiting(place, watched=True, method=BY_SOURCE)
    reload(company, lambda text: text.replace("name: acme", "name: other"))
    assert asked.answer() == (403, DENIED)
    company.refused(ann)
    reload(company, lambda text: text.replace("name: other", "name: acme"), 2)
    bob = company.person("bob")
    company.approved(bob)


def reload(company, change, count=1):
    place, process = company.place, company.gate.process
    path = place.path("gatehouse.yml")
    place.settings(change(read_text(path)))
    process.send_signal(signal.SIGHUP)
    place.wait_log(process, "reloaded", count)


@test
def the_end_refuses_what_waits_and_takes_the_push_back(place):
    company, ann, asked = waiting(place)
    company.gate.process.send_signal(signal.SIGTERM)
    assert asked.answer() == (403, DENIED)
    company.wait_state(ann, "cancelled")
    assert company.gate.process.wait(60) == 0, place.log_of(company.gate.process)
    company.gate.start()
    documents = company.challenge_documents(ann, 1)
    assert documents[0]["event"]["outcome"] == "failure", documents
    company.approved(ann)
    assert company.pushes(ann) == 2


@test
def a_gate_that_ends_does_not_wait_for_an_okta_that_is_gone(place):
    company, ann, asked = waiting(place)
    company.sim.stop()
    company.gate.process.send_signal(signal.SIGTERM)
    assert asked.answer() == (403, DENIED)
    assert company.gate.process.wait(60) == 0, place.log_of(company.gate.process)


@test
def a_disk_that_is_full_lets_no_push_out(place):
    place.mount("state", "8m")
    company = StepUps(place)
    ann = company.person("ann", phone="approve")
    assert company.read(ann)[0] == 200
    filler = place.path("state", "filler")
    fill(filler)
    status, answer = company.read(ann)
    assert status in (403, 500), (status, answer)
    assert company.pushes(ann) == 1
    os.remove(filler)
    wait_until(lambda: company.read(ann)[0] == 200, "pushes when there is room again")


def fill(path):
    """Writes until the disk has no room left."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass


# ---- killed

PEOPLE = 12


@test
def a_kill_in_the_middle_approves_nothing_and_pushes_nobody_twice(place):
    company = StepUps(place)
    people = [company.person("p%d" % i) for i in range(PEOPLE)]
    asked = [company.ask(person) for person in people]
    for person in people:
        company.wait_polls(person, 1)
    company.gate.kill()
    for request in asked:
        try:
            raise AssertionError("a gate that was killed has answered: %s" % (request.answer(),))
        except (OSError, http.client.HTTPException):
            pass  # closed
    for person in people[:PEOPLE // 2]:
        company.answer(person, "approve")
    company.gate.start()
    # What was approved for a request that is gone is no pass for another one, and where the push may still be on the
    # phone there is no second one.
    for person in people:
        company.refused(person)
    for person in people:
        assert [c["outcome"] for c in company.challenges(person)] == ["interrupted"], company.challenges(person)
        counts = company.counts(person)
        assert (counts["pushes"], counts["overlapping"]) == (1, 0), counts
    requests = wait_until(lambda: len(company.mfa_documents("mfa-challenge")) >= PEOPLE and
                          company.mfa_documents("mfa-challenge"), "a document of each challenge")
    assert {d["event"]["outcome"] for d in requests} == {"failure"}, requests


@test
def a_gate_that_is_killed_again_and_again_never_has_two_pushes_out(place):
    company = StepUps(place, guard={"max_pushes": 5})
    company.sim.set(push_life="3s")
    ann = company.person("ann")
    for _ in range(12):
        asked = company.ask(ann)
        before = company.pushes(ann)
        wait_until(lambda: asked.is_answered() or company.pushes(ann) > before, "a push or a refusal")
        company.gate.kill()
        company.gate.start()
    counts = company.counts(ann)
    assert counts["pushes"] <= 5 and counts["overlapping"] == 0, counts


SEED = int(os.environ.get("SEED", random.randrange(2**32)))
KILLS = int(os.environ.get("KILLS", "5"))
SCRIPT = ["approve", {"do": "approve", "after": "1s"}, "deny", "ignore", "cancel",
          {"do": "approve", "trouble": "poll_500", "polls": 0}, {"do": "approve", "trouble": "verify_lost"}]


@test
def each_approved_push_lets_one_request_through_whatever_dies(place):
    remark("SEED=%d" % SEED)
    rand = random.Random(SEED)
    company = StepUps(place, mfa={"wait": "3s"}, guard={"pause": "1s"})
    company.sim.set(push_life="2s")
    people, passed = [], collections.Counter()
    for life in range(KILLS + 1):
        new = [company.person("p%d-%d" % (life, i), phone=rand.choices(SCRIPT, k=5) if i else "approve")
               for i in range(10)]
        asked = [(person, company.ask(person)) for person in people + new for _ in range(2)]
        people += new
        if life < KILLS:
            time.sleep(rand.uniform(0.1, 2.5))  # the moment of the kill is what is varied
            company.gate.kill()
        for person, request in asked:
            try:
                passed[person.name] += request.answer()[0] == 200
            except (OSError, http.client.HTTPException):
                assert life < KILLS, "a request was not answered"
        if life < KILLS:
            company.gate.start()
    challenges = collections.defaultdict(list)
    for challenge in company.all_challenges():
        challenges[challenge["login"]].append(challenge["outcome"])
    for person in people:
        approved = [p for p in company.pushes_of(person.login) if p["state"] == "approved"]
        outcomes = challenges[person.login]
        assert passed[person.name] <= outcomes.count("allowed") <= len(approved), (
            person.name, passed[person.name], outcomes, approved)
        counts = company.counts(person)
        assert counts["overlapping"] == 0 and counts["pushes"] <= len(outcomes), (counts, outcomes)
        assert "open" not in outcomes, outcomes
    assert sum(passed.values()), "nobody was let through"


if __name__ == "__main__":
    main(jobs=4)
