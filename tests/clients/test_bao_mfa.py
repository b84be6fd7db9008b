# SPDX-License-Identifier: Apache-2.0
"""The `bao` command under a policy that wants a person asked: it waits, shows what it is told, and goes on."""
import json

import gate  # first: it finds the other folders
from bao import Bao, with_user
from gate import METHOD
from harness import main, test
from phones import Phones
from stepup_cases import LOGIN, NUMBER, POLICY


def ready(place, phone="ignore", method=(), wait="15s"):
    """The gate as root sees it, as alice sees it, and her phone."""
    gate.ours_alone()
    phones = Phones(place.sim())
    phones.add(LOGIN, phone=phone)
    server = gate.start(place, *gate.asks(phones, wait))
    root = Bao(place, server)
    accessor = with_user(root)
    root("policy", "write", "users", place.write("mfa.hcl", POLICY))
    entity = root.json("write", "identity/entity", "name=alice", "metadata=email=" + LOGIN)["data"]["id"]
    root("write", "identity/entity-alias", "name=alice", "canonical_id=" + entity, "mount_accessor=" + accessor)
    root("write", METHOD, "mount_accessor=" + accessor, "org_name=acme", "api_token=" + phones.sim.token,
         "username_format={{entity.metadata.email}}", *method)
    root("secrets", "enable", "-path=secret", "-version=1", "kv")
    root("kv", "put", "secret/foo", "a=b")
    token = root("login", "-no-store", "-token-only", "-method=userpass", "username=alice", "password=correct horse")
    return root, Bao(place, server, token), phones


def shown_number(err):
    assert "Code: 403" in err, err
    found = NUMBER.search(err)
    assert found, err
    return int(found.group(1)), found.group(2)


@test
def a_read_waits_for_the_phone_and_shows_the_secret(place):
    root, alice, phones = ready(place)
    reading = alice.begin("read", "-format=json", "secret/foo")
    phones.wait_polls_of(LOGIN, 2)
    assert reading.poll() is None
    phones.answer_of(LOGIN, "approve")
    status, out, err = alice.end(reading)
    assert status == 0 and json.loads(out)["data"] == {"a": "b"}, alice.shown


@test
def a_denial_is_shown_as_permission_denied_and_asked_once(place):
    root, alice, phones = ready(place)
    reading = alice.begin("read", "secret/foo")
    phones.answer_of(LOGIN, "deny")
    status, out, err = alice.end(reading)
    assert status == 2 and "Code: 403" in err and "permission denied" in err, alice.shown
    assert phones.counts_of(LOGIN)["pushes"] == 1


@test
def a_phone_that_nobody_answers_ends_the_command(place):
    root, alice, phones = ready(place, wait="2s")
    status, out, err = alice.end(alice.begin("read", "secret/foo"))
    assert status == 2 and "permission denied" in err, alice.shown
    assert phones.counts_of(LOGIN)["pushes"] == 1


@test
def a_command_that_is_interrupted_takes_its_push_back(place):
    root, alice, phones = ready(place)
    reading = alice.begin("read", "secret/foo")
    phones.wait_polls_of(LOGIN, 1)
    reading.kill()
    phones.wait_state_of(LOGIN, "cancelled")


@test
def the_number_is_shown_and_the_command_repeated_with_mfa(place):
    root, alice, phones = ready(place)
    status, out, err = alice.end(alice.begin("read", "-mfa=my_okta:number", "secret/foo"))
    assert status == 2, alice.shown
    number, challenge = shown_number(err)
    reading = alice.begin("read", "-field=a", "-mfa=my_okta:" + challenge, "secret/foo")
    phones.wait_polls_of(LOGIN, 1)
    phones.answer_of(LOGIN, "approve", number)
    status, out, err = alice.end(reading)
    assert (status, out.strip()) == (0, "b"), alice.shown
    assert phones.counts_of(LOGIN)["pushes"] == 1


@test
def a_number_that_the_method_wants_is_shown_without_being_asked_for(place):
    root, alice, phones = ready(place, method=["number_matching=true"])
    status, out, err = alice.end(alice.begin("read", "secret/foo"))
    number, challenge = shown_number(err)
    phones.answer_of(LOGIN, "approve", number)
    assert alice("read", "-field=a", "-mfa=my_okta:" + challenge, "secret/foo") == "b"


@test
def a_code_a_device_and_the_environment_are_ways_to_say_it(place):
    root, alice, phones = ready(place, phone="approve")
    phones.add(LOGIN, factors=[{"factorType": "push", "name": "Pixel"}, {"factorType": "push", "name": "iPhone"},
                               {"factorType": "token:software:totp", "codes": ["123456"]}])
    assert alice("read", "-field=a", "-mfa=my_okta:123456", "secret/foo") == "b"
    assert alice("read", "-field=a", "-mfa=my_okta:passcode=123456", "secret/foo") == "b"
    assert phones.counts_of(LOGIN)["pushes"] == 0
    for device in ("iPhone", "Pixel"):
        assert alice("read", "-field=a", "-mfa=my_okta:device=" + device, "secret/foo") == "b"
        assert phones.last_of(LOGIN)["device"] == device
    alice.env["BAO_MFA"] = "my_okta:device=iPhone"
    assert alice("read", "-field=a", "secret/foo") == "b"
    assert phones.last_of(LOGIN)["device"] == "iPhone"


@test
def writing_listing_and_deleting_are_asked_for_as_well(place):
    root, alice, phones = ready(place, phone="approve")
    root("policy", "write", "users", place.write("all.hcl", POLICY.replace(
        '"read"', '"read", "create", "update", "list", "delete"')))
    alice("write", "secret/bar", "x=y")
    assert json.loads(alice("list", "-format=json", "secret/")) == ["bar", "foo"]
    alice("delete", "secret/bar")
    assert phones.counts_of(LOGIN)["pushes"] == 3


@test
def an_administrator_sees_the_guard_and_clears_it(place):
    root, alice, phones = ready(place, phone=["deny", "approve"])
    alice.fails("read", "secret/foo", text="permission denied")
    alice.fails("read", "secret/foo", text="permission denied")
    assert phones.counts_of(LOGIN)["pushes"] == 1
    assert LOGIN in root.json("list", "sys/mfa/guard")
    subjects = root.json("read", "sys/mfa/guard/" + LOGIN)["data"]["subjects"]
    assert [s["push"]["rule"] for s in subjects if s["type"] == "user"] == ["pause"], subjects
    root("delete", "sys/mfa/guard/" + LOGIN)
    assert alice("read", "-field=a", "secret/foo") == "b"
    challenges = root.json("list", "sys/mfa/challenge")
    outcomes = [root.json("read", "sys/mfa/challenge/" + c)["data"]["outcome"] for c in challenges]
    assert outcomes == ["allowed", "denied"], outcomes  # what the guard refused was none


if __name__ == "__main__":
    main(jobs=2)
