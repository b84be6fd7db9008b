# SPDX-License-Identifier: Apache-2.0
"""What the gate's step-up can beyond Vault's: numbers, devices, codes, passes that are remembered, challenges that are
shared, several methods; and what the phone is shown of who asks."""
import re

from harness import main, test, wait_until
from stepups import DENIED, SECRET, StepUps, code_factor, policy, push_factor

SHOWN = re.compile(r"\t\* .*?\b(\d{1,3})\b.*\b(c-[0-9A-Za-z]{16})\b", re.S)


def shown(got):
    """The number and the challenge that a refused request was told."""
    status, answer = got
    assert status == 403 and len(answer["errors"]) == 1, got
    text = answer["errors"][0]
    assert text.startswith("1 error occurred:\n\t* ") and text.endswith("\n\n"), got
    found = SHOWN.search(text)
    assert found, got
    return int(found.group(1)), found.group(2)


def goes_on(company, person, challenge, **more):
    return company.ask(person, mfa="my_okta:" + challenge, **more)


# ---- numbers

@test
def a_number_that_the_caller_wants_is_shown_and_the_request_comes_again(place):
    company = StepUps(place)
    ann = company.person("ann")
    number, challenge = shown(company.read(ann, mfa="my_okta:number"))
    push = company.push(ann)
    assert push["correct"] == number, (push, number)
    asked = goes_on(company, ann, challenge)
    company.wait_polls(ann, 1)
    assert not asked.is_answered()
    company.answer(ann, "approve", number)
    status, answer = asked.answer()
    assert (status, answer["data"]) == (200, SECRET), answer
    assert company.pushes(ann) == 1
    # It is good for that one request.
    assert goes_on(company, ann, challenge).answer() == (403, DENIED)
    assert company.pushes(ann) == 1


@test
def a_number_lets_one_of_several_requests_through(place):
    company = StepUps(place)
    ann = company.person("ann")
    number, challenge = shown(company.read(ann, mfa="my_okta:number"))
    asked = [goes_on(company, ann, challenge) for _ in range(8)]
    company.wait_polls(ann, 1)
    company.answer(ann, "approve", number)
    answers = [request.answer()[0] for request in asked]
    assert answers.count(200) == 1 and answers.count(403) == 7, answers
    assert company.pushes(ann) == 1


@test
def a_number_that_was_tapped_before_the_request_came_again_is_as_good(place):
    company = StepUps(place)
    ann = company.person("ann")
    number, challenge = shown(company.read(ann, mfa="my_okta:number"))
    company.answer(ann, "approve", number)
    assert goes_on(company, ann, challenge).answer()[0] == 200
    assert goes_on(company, ann, challenge).answer() == (403, DENIED)
    assert company.pushes(ann) == 1


@test
def a_wrong_number_refuses(place):
    company = StepUps(place)
    ann = company.person("ann")
    number, challenge = shown(company.read(ann, mfa="my_okta:number"))
    asked = goes_on(company, ann, challenge)
    wrong = [n for n in company.push(ann)["choices"] if n != number][0]
    company.answer(ann, "approve", wrong)
    assert asked.answer() == (403, DENIED)
    assert goes_on(company, ann, challenge).answer() == (403, DENIED)


@test
def a_method_can_want_a_number_of_every_push(place):
    company = StepUps(place, method={"number_matching": True})
    ann = company.person("ann")
    number, challenge = shown(company.read(ann))
    assert company.push(ann)["correct"] == number
    asked = goes_on(company, ann, challenge)
    company.answer(ann, "approve", number)
    assert asked.answer()[0] == 200


@test
def an_org_that_forces_numbers_works(place):
    company = StepUps(place)
    company.sim.set(number_matching="always")
    ann = company.person("ann")
    number, challenge = shown(company.read(ann))
    assert company.push(ann)["correct"] == number
    asked = goes_on(company, ann, challenge)
    company.answer(ann, "approve", number)
    assert asked.answer()[0] == 200
    assert company.pushes(ann) == 1


@test
def an_org_that_tells_the_number_in_its_polls_works(place):
    company = StepUps(place)
    company.sim.set(number_shown="in_polls")
    ann = company.person("ann")
    number, challenge = shown(company.read(ann, mfa="my_okta:number"))
    asked = goes_on(company, ann, challenge)
    company.answer(ann, "approve", number)
    assert asked.answer()[0] == 200


@test
def an_org_without_numbers_is_asked_for_a_plain_push(place):
    company = StepUps(place)
    company.sim.set(number_matching="never")
    ann = company.person("ann")
    company.approved(ann, mfa="my_okta:number")
    assert company.pushes(ann) == 1


@test
def a_challenge_is_of_one_token_and_one_request(place):
    company = StepUps(place)
    ann, bob = company.person("ann"), company.person("bob")
    number, challenge = shown(company.read(ann, mfa="my_okta:number"))
    others = [goes_on(company, bob, challenge), goes_on(company, bob, challenge, path=ann.path),
              goes_on(company, ann, challenge, path=bob.path),
              goes_on(company, ann, challenge, token=company.token_of(ann)),
              company.ask(ann, "PUT", body={"a": 1}, mfa="my_okta:" + challenge),
              company.ask(ann, "DELETE", mfa="my_okta:" + challenge),
              goes_on(company, ann, "c-0000000000000000")]
    company.answer(ann, "approve", number)
    assert [other.answer() for other in others] == [(403, DENIED)] * len(others)
    assert (company.pushes(ann), company.pushes(bob)) == (1, 0)
    assert company.get(ann.path) == SECRET
    assert goes_on(company, ann, challenge).answer()[0] == 200


@test
def a_write_that_comes_again_with_other_data_is_refused(place):
    company = StepUps(place)
    ann = company.person("ann")
    number, challenge = shown(company.ask(ann, "PUT", body={"a": "good"}, mfa="my_okta:number").answer())
    company.answer(ann, "approve", number)
    again = company.ask(ann, "PUT", body={"a": "bad"}, mfa="my_okta:" + challenge)
    assert again.answer() == (403, DENIED)
    again = company.ask(ann, "PUT", body={"a": "good"}, mfa="my_okta:" + challenge)
    assert again.answer() == (204, None)
    assert company.get(ann.path) == {"a": "good"}


@test
def a_number_that_nobody_comes_back_for_is_taken_back(place):
    company = StepUps(place, mfa={"wait": "2s"})
    ann = company.person("ann")
    number, challenge = shown(company.read(ann, mfa="my_okta:number"))
    company.wait_state(ann, "cancelled")
    assert goes_on(company, ann, challenge).answer() == (403, DENIED)
    assert company.pushes(ann) == 1


# ---- devices

@test
def the_device_is_the_one_used_last_else_the_newest_else_the_callers_choice(place):
    company = StepUps(place)
    factors = [push_factor("iPhone", created="2024-01-01T00:00:00.000Z"),
               push_factor("Pixel", created="2025-01-01T00:00:00.000Z"),
               push_factor("Tablet", created="2023-01-01T00:00:00.000Z", status="INACTIVE")]
    ann = company.person("ann", factors=factors)
    devices = []
    for mfa in ((), "my_okta:device=iphone", (), "my_okta:device=PIXEL", ()):
        asked = company.ask(ann, mfa=mfa)
        devices.append(company.push(ann)["device"])
        company.answer(ann, "approve")
        assert asked.answer()[0] == 200
    assert devices == ["Pixel", "iPhone", "iPhone", "Pixel", "Pixel"], devices
    for name in ("Tablet", "nosuch", "iPhon"):
        company.refused(ann, mfa="my_okta:device=" + name)


@test
def one_request_asks_one_device(place):
    company = StepUps(place)
    ann = company.person("ann", factors=[push_factor("One"), push_factor("Two"), push_factor("Three")])
    company.denied(ann)
    assert company.counts(ann)["verify"]["asked"] == 1


# ---- codes

def tried(company, person):
    """Codes that Okta was asked to check: right ones, wrong ones."""
    counts = company.counts(person)
    return counts["right_codes"], counts["wrong_codes"]


@test
def a_code_is_checked_instead_of_a_push(place):
    company = StepUps(place)
    ann = company.person("ann", factors=[push_factor(), code_factor("123456", "987654")])
    assert company.read(ann, mfa="my_okta:123456")[0] == 200
    assert company.read(ann, mfa="my_okta:passcode=987654")[0] == 200
    assert (company.pushes(ann), tried(company, ann)) == (0, (2, 0))


@test
def a_wrong_code_is_tried_once_on_one_factor(place):
    company = StepUps(place)
    ann = company.person("ann", factors=[push_factor(), code_factor("123456"), code_factor("222222", provider="GOOGLE"),
                                         {"factorType": "token:hardware", "codes": ["333333"]}])
    assert company.read(ann, mfa="my_okta:000000") == (403, DENIED)
    assert company.request_document(ann.path)["event"]["reason"] == "invalid passcode"
    assert (company.pushes(ann), tried(company, ann)) == (0, (0, 1))
    assert company.read(ann, mfa=["my_okta:222222", "my_okta:device=GOOGLE"])[0] == 200
    assert tried(company, ann) == (1, 1)


@test
def codes_are_stopped_before_okta_locks_the_account(place):
    company = StepUps(place)
    ann = company.person("ann", factors=[push_factor(), code_factor("123456")])
    for _ in range(8):
        assert company.read(ann, mfa="my_okta:000000") == (403, DENIED)
    assert tried(company, ann) == (0, 3)
    assert company.read(ann, mfa="my_okta:123456") == (403, DENIED)  # the right one, but too late
    assert tried(company, ann) == (0, 3)
    company.clear(ann)
    assert company.read(ann, mfa="my_okta:123456")[0] == 200
    # A right code forgets the wrong ones.
    for _ in range(2):
        assert company.read(ann, mfa="my_okta:000000") == (403, DENIED)
    assert company.read(ann, mfa="my_okta:123456")[0] == 200
    for _ in range(2):
        assert company.read(ann, mfa="my_okta:000000") == (403, DENIED)
    assert company.read(ann, mfa="my_okta:123456")[0] == 200
    assert company.counts(ann)["status"] == "ACTIVE"


@test
def a_code_is_a_way_out_of_a_pause(place):
    company = StepUps(place)
    ann = company.person("ann", factors=[push_factor(), code_factor("123456")])
    company.denied(ann)
    company.refused(ann)
    assert company.read(ann, mfa="my_okta:123456")[0] == 200
    company.approved(ann)


@test
def parallel_codes_are_stopped_as_well(place):
    company = StepUps(place)
    ann = company.person("ann", factors=[code_factor("123456")])
    asked = [company.ask(ann, mfa="my_okta:%06d" % i) for i in range(30)]
    assert [request.answer() for request in asked] == [(403, DENIED)] * 30
    assert tried(company, ann)[1] <= 3, tried(company, ann)


@test
def without_a_factor_for_codes_a_code_is_refused_and_no_push_sent(place):
    company = StepUps(place)
    ann = company.person("ann")
    company.refused(ann, mfa="my_okta:123456")
    assert company.request_document(ann.path)["event"]["reason"] == "no factor that takes a passcode found for user"


@test
def a_code_is_nowhere_in_what_the_gate_keeps_or_says(place):
    company = StepUps(place)
    ann = company.person("ann", factors=[code_factor("918273")])
    assert company.read(ann, mfa="my_okta:918273")[0] == 200
    assert company.read(ann, mfa="my_okta:645546") == (403, DENIED)
    company.challenge_documents(ann, 2)
    company.gate.stop()
    place.collect_once()
    for folder in ("state", "out"):
        for name in company.files_of(folder):
            with open(name, "rb") as file:
                kept = file.read()
            assert b"918273" not in kept and b"645546" not in kept, name
    log = place.log_of(company.gate.process)
    assert "918273" not in log and "645546" not in log


# ---- remembered, shared

@test
def a_pass_is_remembered_for_the_token_the_address_and_the_method(place):
    company = StepUps(place, method={"remember": "1h"}, listen=", x_forwarded_for_authorized_addrs: [127.0.0.1]")
    ann = company.person("ann")
    here, there = {"X-Forwarded-For": "198.51.100.7"}, {"X-Forwarded-For": "198.51.100.8"}
    company.approved(ann, headers=here)
    for _ in range(3):
        assert company.read(ann, headers=here)[0] == 200
    assert company.ask(ann, "PUT", body=SECRET, headers=here).answer() == (204, None)
    assert company.pushes(ann) == 1
    assert company.last_request(ann)["gatehouse"]["gate"]["mfa"]["result"] == "remembered"
    company.approved(ann, headers=there)
    company.approved(ann, headers=here, token=company.token_of(ann))
    assert company.pushes(ann) == 3
    # Written anew, the method's passes are those of another method.
    company.put("sys/mfa/method/okta/my_okta", {"org_name": "dev-1", "api_token": company.sim.token, "remember": 0})
    company.approved(ann, headers=here)
    assert company.pushes(ann) == 4


@test
def a_denial_is_not_remembered_as_a_pass(place):
    company = StepUps(place, method={"remember": "1h"}, guard={"pause": "1s"})
    ann = company.person("ann")
    company.denied(ann)
    company.refused(ann)


@test
def a_pass_of_one_is_no_pass_of_another(place):
    company = StepUps(place, method={"remember": "1h"})
    ann, bob = company.person("ann"), company.person("bob")
    company.approved(ann)
    company.approved(bob)
    assert company.read(ann)[0] == 200
    assert (company.pushes(ann), company.pushes(bob)) == (1, 1)


@test
def requests_of_one_token_share_a_push_where_the_method_says_so(place):
    company = StepUps(place, method={"share_challenge": True})
    ann, bob = company.person("ann"), company.person("bob")
    asked = [company.ask(ann) for _ in range(20)]
    company.wait_polls(ann, 2)
    other = company.ask(ann, token=company.token_of(ann))
    assert other.answer() == (403, DENIED)  # of another token: busy
    company.answer(ann, "approve")
    assert [request.answer()[0] for request in asked] == [200] * 20
    assert company.pushes(ann) == 1
    asked = [company.ask(bob) for _ in range(20)]
    company.wait_polls(bob, 2)
    company.answer(bob, "deny")
    assert [request.answer() for request in asked] == [(403, DENIED)] * 20
    assert company.pushes(bob) == 1


@test
def one_of_those_who_share_a_push_may_go_away(place):
    company = StepUps(place, method={"share_challenge": True})
    ann = company.person("ann")
    asked = [company.ask(ann) for _ in range(3)]
    company.wait_polls(ann, 2)
    asked[0].hang_up()
    document = company.request_document(ann.path)
    assert document["event"]["reason"] == "push verification operation canceled", document
    company.answer(ann, "approve")
    assert [request.answer()[0] for request in asked[1:]] == [200, 200]
    assert company.counts(ann)["cancels"]["asked"] == 0


@test
def requests_that_do_not_share_are_refused_while_a_push_is_out(place):
    company = StepUps(place)
    ann = company.person("ann")
    asked = company.ask(ann)
    company.push(ann)
    for _ in range(5):
        company.refused(ann)
    company.answer(ann, "approve")
    assert asked.answer()[0] == 200
    assert company.counts(ann)["overlapping"] == 0


# ---- several methods

@test
def all_methods_are_needed_and_one_person_is_asked_once(place):
    company = StepUps(place)
    company.method("second")
    company.put("sys/policies/acl/mfa", {"policy": policy("my_okta", "second")})
    ann = company.person("ann")
    company.approved(ann)
    assert company.pushes(ann) == 1


@test
def two_people_are_asked_one_after_the_other(place):
    company = StepUps(place)
    company.method("boss", username_format="{{entity.metadata.boss}}")
    company.put("sys/policies/acl/mfa", {"policy": policy("my_okta", "boss")})
    boss = company.person("boss")
    ann = company.person("ann")
    company.put("identity/entity/id/" + ann.entity, {"metadata": {"email": ann.login, "boss": boss.login}})
    asked = company.ask(ann)
    first = wait_until(lambda: [p for p in (ann, boss) if company.pushes(p)], "the first push")
    assert len(first) == 1, "both were asked at once"
    second = boss if first == [ann] else ann
    company.answer(first[0], "approve")
    company.answer(second, "approve")
    assert asked.answer()[0] == 200
    assert (company.pushes(ann), company.pushes(boss)) == (1, 1)
    # Whoever denies ends it: the other is not asked.
    asked = company.ask(ann)
    company.answer(first[0], "deny")
    assert asked.answer() == (403, DENIED)
    assert company.pushes(second) == 1


@test
def a_wrong_code_of_one_method_sends_no_push_for_the_other(place):
    company = StepUps(place)
    company.method("codes")
    company.put("sys/policies/acl/mfa", {"policy": policy("my_okta", "codes")})
    ann = company.person("ann", factors=[push_factor(), code_factor("123456")])
    company.refused(ann, mfa="codes:000000")
    asked = company.ask(ann, mfa="codes:123456")
    company.answer(ann, "approve")
    assert asked.answer()[0] == 200
    assert company.pushes(ann) == 1


# ---- who asks

@test
def the_phone_is_shown_who_asks(place):
    company = StepUps(place, listen=", x_forwarded_for_authorized_addrs: [127.0.0.1]")
    ann = company.person("ann")
    asked = company.ask(ann, headers={"User-Agent": "Probe/1.0 (of ann)", "X-Forwarded-For": "6.6.6.6, 198.51.100.7"})
    push = company.push(ann)
    company.answer(ann, "approve")
    assert asked.answer()[0] == 200
    assert push["user_agent"] == "Probe/1.0 (of ann)", push
    assert push["x_forwarded_for"] == "198.51.100.7", push
    assert company.last_request(ann)["source"]["ip"] == "198.51.100.7"


@test
def an_address_that_a_stranger_names_is_not_believed(place):
    company = StepUps(place)
    ann = company.person("ann")
    asked = company.ask(ann, headers={"X-Forwarded-For": "198.51.100.7"})
    push = company.push(ann)
    company.answer(ann, "approve")
    assert asked.answer()[0] == 200
    assert "198.51.100.7" not in push["x_forwarded_for"], push
    assert company.last_request(ann)["source"]["ip"] == "127.0.0.1"


if __name__ == "__main__":
    main(jobs=4)
