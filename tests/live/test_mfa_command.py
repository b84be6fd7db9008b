# SPDX-License-Identifier: Apache-2.0
"""`gatehouse mfa`: against a scripted gate what it asks, shows and refuses; against the real one, with the simulated org
behind it, that what it shows is what happened."""
import json
import os
import re
import urllib.parse

from gates import Gate
from harness import each_of, main, refusing_port, test, wait_until
from stepups import StepUps, policy

TOKEN = "hvs.CAESIJtokenOfAnAdministrator"
USER_AGAINST = {
    "subject": "user:dev.okta.com:00u1", "type": "user", "name": "alice@example.com", "user_id": "00u1",
    "org": "dev.okta.com", "asked_as": "alice",
    "push": {"allowed": False, "rule": "lock", "reason": "something grave has happened", "detail": "wrong number",
             "until": None},
    "code": {"allowed": True, "rule": "clear", "reason": "nothing speaks against it", "detail": "", "until": None},
    "pushes": 2, "max_pushes": 10, "window": 600, "out_challenge": "", "out_until": None, "denials": 1,
    "paused_until": None, "wrong_codes": 0, "locked_since": "2026-11-23T07:00:00.000Z", "lock_reason": "wrong number",
    "lock_event": "3c9f2c44-0000-11ef-0000-000000000001", "risk_high_since": None, "factors": [], "cleared": None,
    "changed": "2026-11-23T07:00:00.000Z",
}
PAUSED = dict(USER_AGAINST, locked_since=None, lock_event="", lock_reason="", push={
    "allowed": False, "rule": "pause", "reason": "the user has denied a push", "detail": "",
    "until": "2999-01-01T00:00:00.000Z", "setting": "mfa.guard.pause"})
CHALLENGE = {
    "id": "c-0123456789abcdef", "method": "my_okta", "method_id": "0a1b", "org": "dev.okta.com", "user_id": "00u1",
    "login": "alice@example.com", "entity_id": "e1", "entity_name": "alice", "factor_id": "opf1",
    "factor_name": "Alice's phone", "factor_provider": "OKTA", "request_id": "r1", "operation": "read",
    "path": "secret/prod", "remote_address": "192.0.2.7", "user_agent": "curl/8", "kind": "push",
    "number_matching": True, "transaction": "v2mst.1", "began": "2026-11-23T07:00:00.000Z",
    "sent": "2026-11-23T07:00:00.100Z", "decided": "2026-11-23T07:00:03.250Z", "outcome": "denied", "reason": "rejected",
    "explanation": "push verification explicitly rejected", "rule": "", "requester": "00T1", "unlogged": False,
    "okta_events": [{"uuid": "u-1", "transaction_id": "t-1", "type": "system.push.send_factor_verify_push",
                     "published": "2026-11-23T07:00:00.200Z"},
                    {"uuid": "u-2", "transaction_id": "", "type": "user.authentication.auth_via_mfa",
                     "published": "2026-11-23T07:00:03.000Z"}],
}


def scripted(place, answers):
    """A gate that knows these answers: by method and path, a status and a body (JSON, or bytes)."""
    def answer(fake, _):
        method, path, _ = fake.requests[-1]
        status, body = answers.get((method, path), (404, {"errors": []}))
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return status, [("Content-Type", "application/json")], text
    return place.fake(answer)


def mfa(place, fake, *words, env=None):
    """The command with the address of that gate and a token."""
    return place.run("mfa", *words, env={"BAO_ADDR": fake.base, "BAO_TOKEN": TOKEN, "HOME": place.root, **(env or {})})


def data(value):
    return 200, {"data": value}


def listed(infos):
    """The answer of a list, in this order."""
    return data({"keys": list(infos), "key_info": infos})


def trail(*challenges):
    return {("GET", "/v1/sys/mfa/challenge?list=true"): listed({c["id"]: c for c in challenges})}


# ---- usage

@each_of({
    "no word": ([], "usage: gatehouse mfa"),
    "an unknown word": (["guards"], "did you mean guard?"),
    "a word behind methods": (["methods", "all"], "too many arguments"),
    "something else than clear": (["guard", "alice", "clean"], "expected clear"),
    "nobody to clear": (["guard", "--clear"], "of whom"),
    "a user without a name": (["guard", ""], "empty"),
    "clearing a challenge": (["challenges", "--clear"], "--clear"),
    "a limit of nothing": (["challenges", "--limit", "0"], "from 1 to 10000"),
    "an address that is none": (["guard", "--address", "127.0.0.1:8200"], "--address: "),
    "an address with a query": (["guard", "--address", "http://127.0.0.1:1/?x"], "--address: "),
})
def wrong_usage_ends_with_2_and_asks_nobody(place, case):
    words, text = case
    fake = scripted(place, {})
    p = mfa(place, fake, *words)
    assert (p.returncode, p.out) == (2, "") and text in p.err, (p.returncode, p.out, p.err)
    assert fake.asked == []


@each_of({
    "an address in the environment": ({"BAO_ADDR": "ftp://x"}, "BAO_ADDR: "),
    "a token that is two headers": ({"BAO_TOKEN": "a\r\nX-Evil: b"}, "BAO_TOKEN: "),
    "a credential that is two headers": ({"BAO_MFA": "a\nb"}, "BAO_MFA: "),
    "a timeout": ({"BAO_CLIENT_TIMEOUT": "soon"}, "BAO_CLIENT_TIMEOUT: "),
    "a switch": ({"VAULT_SKIP_VERIFY": "perhaps"}, "VAULT_SKIP_VERIFY: "),
    "certificates that are not there": ({"BAO_CACERT": "/nonexistent/ca.pem"}, "/nonexistent/ca.pem"),
})
def a_variable_that_cannot_be_used_ends_with_2_and_is_named(place, case):
    env, text = case
    fake = scripted(place, {})
    p = mfa(place, fake, "guard", env=env)
    assert (p.returncode, p.out) == (2, "") and text in p.err, (p.returncode, p.out, p.err)
    assert fake.asked == [] and "Evil" not in p.err


# ---- who asks whom

@test
def address_and_token_are_found_as_baos_and_vaults_clients_find_them(place):
    wrong, right = scripted(place, {}), scripted(place, {})
    place.write(".vault-token", "s.fromTheFile\n")
    here = {"HOME": place.root}
    for env, words, token in [
            ({"VAULT_ADDR": right.base, "VAULT_TOKEN": "s.v"}, [], "s.v"),
            ({"VAULT_ADDR": wrong.base, "BAO_ADDR": right.base + "/", "VAULT_TOKEN": "s.v", "BAO_TOKEN": "s.b"}, [], "s.b"),
            ({"BAO_ADDR": wrong.base}, ["--address", right.base], "s.fromTheFile"),
            ({"BAO_ADDR": right.base, "BAO_TOKEN": ""}, [], "s.fromTheFile"),
            ({"BAO_ADDR": right.base, "HOME": "/nonexistent"}, [], None)]:
        p = place.run("mfa", "methods", *words, env={**here, **env})
        assert p.returncode == 0, p.err
        assert right.requests[-1][2].get("X-Vault-Token") == token, (env, right.requests[-1])
    assert len(right.requests) == 5 and wrong.requests == []


@test
def a_credential_of_the_environment_goes_along_and_no_proxy_comes_between(place):
    fake, proxy = scripted(place, {}), place.listener()
    around = "http://127.0.0.1:%d" % proxy.port
    p = mfa(place, fake, "methods", env={"VAULT_MFA": "my_okta:number", "http_proxy": around, "https_proxy": around,
                                         "ALL_PROXY": around})
    assert p.returncode == 0, p.err
    assert fake.requests[0][2]["X-Vault-MFA"] == "my_okta:number" and proxy.got == []


@test
def a_name_of_any_bytes_is_one_part_of_the_path(place):
    names = ["alice@example.com", "a/b", "..", "a?list=true#x", "J\u00fcrgen %41", "-x"]
    fake = scripted(place, {})
    for name in names:
        p = mfa(place, fake, "guard", "--", name)
        assert p.returncode == 1 and "knows nobody" in p.err, p.err
        method, path, _ = fake.requests[-1]
        assert method == "GET" and path.startswith("/v1/sys/mfa/guard/"), path
        rest = path[len("/v1/sys/mfa/guard/"):]
        assert "/" not in rest and "?" not in rest and urllib.parse.unquote(rest) == name, path


@test
def the_token_is_never_shown(place):
    held, port = refusing_port()
    fake = scripted(place, {("GET", "/v1/sys/mfa/guard?list=true"): (500, {"errors": ["no"]})})
    for address in (fake.base, "http://127.0.0.1:%d" % port):
        p = mfa(place, fake, "guard", "--address", address)
        assert p.returncode == 1 and TOKEN not in p.out + p.err, p.err
    held.close()


# ---- what is refused

@each_of({
    "a policy": (403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]},
                 ["403", "* permission denied", 'path "sys/mfa/guard/*" { capabilities = ["read"] }']),
    "a number to match": (403, {"errors": ["tap the number 42, then come again"]}, ["403 tap the number 42"]),
    "a sealed gate": (503, {"errors": ["Vault is sealed"]}, ["503 Vault is sealed"]),
    "another server": (404, b"<html>not here</html>", ["404 <html>not here</html>"]),
    "somebody who colours": (400, {"errors": ["\x1b[31mred"]}, ["400 \\u{1b}[31mred"]),
    "a redirect": (307, b"", ["307"]),
})
def a_refusal_ends_with_1_and_is_told_as_it_is(place, case):
    status, body, texts = case
    fake = scripted(place, {("GET", "/v1/sys/mfa/guard/alice"): (status, body)})
    p = mfa(place, fake, "guard", "alice")
    assert (p.returncode, p.out) == (1, "") and p.err.startswith("gatehouse mfa guard: "), (p.returncode, p.out, p.err)
    assert all(text in p.err for text in texts), p.err
    assert ("capabilities" in p.err) == ("capabilities" in "".join(texts)), p.err


@test
def what_is_needed_is_told_of_each_request(place):
    denied = (403, {"errors": ["permission denied"]})
    fake = scripted(place, {("DELETE", "/v1/sys/mfa/guard/alice"): denied,
                            ("GET", "/v1/sys/mfa/challenge?list=true"): denied,
                            ("GET", "/v1/sys/mfa/challenge/c-1"): denied, ("GET", "/v1/sys/mfa/method?list=true"): denied})
    for words, path, capability in [(["guard", "alice", "--clear"], "guard", "delete"), (["challenges"], "challenge", "list"),
                                    (["challenges", "c-1"], "challenge", "read"), (["methods"], "method", "list")]:
        p = mfa(place, fake, *words)
        assert 'path "sys/mfa/%s/*" { capabilities = ["%s"] }' % (path, capability) in p.err, p.err


@test
def a_gate_that_is_not_there_is_named(place):
    held, port = refusing_port()
    p = place.run("mfa", "guard", "--address", "http://127.0.0.1:%d" % port, env={"HOME": place.root})
    assert p.returncode == 1 and "http://127.0.0.1:%d" % port in p.err, p.err
    held.close()


# ---- what is shown

@test
def of_the_guard_those_are_listed_whom_something_speaks_against(place):
    against = {"subjects": 2, "type": "user", "org": "dev.okta.com", "detail": "", **PAUSED["push"]}
    locked = {"subjects": 1, "type": "user", "org": "dev.okta.com", **USER_AGAINST["push"]}
    clear = {"subjects": 1, "type": "entity", **PAUSED["code"]}
    fake = scripted(place, {("GET", "/v1/sys/mfa/guard?list=true"): listed({
        "alice@example.com": against, "bob": clear, "eve\x1b@example.com": locked})})
    p = mfa(place, fake, "guard")
    lines = p.out.splitlines()
    assert p.returncode == 0 and len(lines) == 3, (p.out, p.err)
    assert lines[1].split()[:4] == ["alice@example.com", "user", "dev.okta.com", "pause"], lines[1]
    assert "2999-01-01T00:00:00.000Z (in " in lines[1] and "has denied a push" in lines[1], lines[1]
    assert re.fullmatch(r"eve\\u{1b}@example.com +user +dev.okta.com +lock +- +something grave.*: wrong number", lines[2])
    rows = mfa(place, fake, "guard", "--json").out.splitlines()
    assert [json.loads(row) for row in rows] == [{"name": "alice@example.com", **against},
                                                 {"name": "eve\x1b@example.com", **locked}]
    assert len(fake.asked) == 2


@test
def of_one_user_everything_is_told(place):
    fake = scripted(place, {("GET", "/v1/sys/mfa/guard/alice"): data({"name": "alice", "subjects": [USER_AGAINST, PAUSED]})})
    p = mfa(place, fake, "guard", "alice")
    assert p.returncode == 0, p.err
    for text in ("alice@example.com, Okta user 00u1 of dev.okta.com", "refused by the rule lock", "wrong number",
                 "an administrator clears it", "3c9f2c44-0000-11ef-0000-000000000001", "2 in 10 min, at most 10",
                 "1 in a row", "may be tried", "refused by the rule pause", "mfa.guard.pause", "2999-01-01T00:00:00.000Z"):
        assert text in p.out, (text, p.out)
    rows = mfa(place, fake, "guard", "alice", "--json").out.splitlines()
    assert [json.loads(row) for row in rows] == [USER_AGAINST, PAUSED]


@each_of({"as an option": ["guard", "alice", "--clear"], "as a word": ["guard", "alice", "clear"]})
def clearing_asks_once_and_says_whether_there_was_somebody(place, words):
    answers = {("DELETE", "/v1/sys/mfa/guard/alice"): (204, b"")}
    fake = scripted(place, answers)
    p = mfa(place, fake, *words)
    assert (p.returncode, p.out, p.err) == (0, "cleared\n", ""), (p.out, p.err)
    assert [r[0] for r in fake.requests] == ["DELETE"]
    answers["DELETE", "/v1/sys/mfa/guard/alice"] = (200, {"warnings": ["the guard knows nobody of that name"]})
    p = mfa(place, fake, *words)
    assert (p.returncode, p.out) == (1, "") and "mfa guard: the guard knows nobody" in p.err, (p.out, p.err)


@test
def challenges_are_rows_with_oktas_entries_below(place):
    refused = dict(CHALLENGE, id="c-refused", login="", rule="pause", sent=None, okta_events=[], outcome="denied",
                   explanation="the guard refused", path="secret/\x1b[2J", decided=None)
    waiting, unlogged = dict(CHALLENGE, id="c-w", okta_events=[]), dict(CHALLENGE, id="c-u", okta_events=[], unlogged=True)
    shown = [refused, CHALLENGE, waiting, unlogged]
    fake = scripted(place, trail(*shown))
    p = mfa(place, fake, "challenges")
    lines = p.out.splitlines()
    assert p.returncode == 0 and len(lines) == 10, (p.out, p.err)
    assert lines[0].split() == ["WHEN", "CHALLENGE", "WHO", "METHOD", "REQUEST", "OUTCOME", "TOOK", "RULE", "WHY"]
    assert re.fullmatch(r"2026-11-23T07:00:00.000Z  c-refused +alice +my_okta +read secret/\\u{1b}\[2J +denied +- +pause +"
                        r"the guard refused", lines[1]), lines[1]
    assert lines[2] == "    Okta was asked for nothing", lines[2]
    assert re.fullmatch(r"2026-11-23T07:00:00.000Z  c-0123456789abcdef  alice@example.com +my_okta +read secret/prod +denied +"
                        r"3.2 s +- +push verification explicitly rejected", lines[3]), lines[3]
    assert lines[4] == ("    Okta 2026-11-23T07:00:00.200Z system.push.send_factor_verify_push uuid u-1 transaction t-1")
    assert lines[5] == "    Okta 2026-11-23T07:00:03.000Z user.authentication.auth_via_mfa uuid u-2"
    assert lines[7] == "    nothing of Okta's log has come yet" and lines[9] == "    Okta logged nothing of it"
    rows = mfa(place, fake, "challenges", "--json").out.splitlines()
    assert [json.loads(row) for row in rows] == shown


@test
def a_limit_bounds_what_is_shown_and_tells_what_is_left(place):
    ids = ["c-%03d" % i for i in range(50)]
    fake = scripted(place, trail(*(dict(CHALLENGE, id=i) for i in ids)))
    p = mfa(place, fake, "challenges")
    assert p.out.count("\n2026") == 20 and p.out.endswith("... and 30 more (--limit)\n"), p.out
    p = mfa(place, fake, "challenges", "--limit", "3")
    assert "c-002" in p.out and "c-003" not in p.out and "47 more" in p.out, p.out
    assert len(fake.asked) == 2, "a list is one request: a policy may demand a push for each"
    p = mfa(place, fake, "challenges", "--limit", "50", "--json")
    assert [json.loads(line)["id"] for line in p.out.splitlines()] == ids


@test
def of_one_challenge_everything_is_told(place):
    fake = scripted(place, {("GET", "/v1/sys/mfa/challenge/c-1"): data(CHALLENGE)})
    p = mfa(place, fake, "challenges", "c-1")
    assert p.returncode == 0, p.err
    for key in ("id", "method", "org", "user_id", "login", "entity_id", "factor_id", "factor_name", "request_id", "path",
                "remote_address", "user_agent", "transaction", "began", "sent", "decided", "outcome", "explanation"):
        assert CHALLENGE[key] in p.out, (key, p.out)
    assert "u-1" in p.out and "u-2" in p.out and "t-1" in p.out and "3.2 s" in p.out, p.out
    assert json.loads(mfa(place, fake, "challenges", "c-1", "--json").out) == CHALLENGE
    p = mfa(place, fake, "challenges", "c-2")
    assert p.returncode == 1 and "no such challenge" in p.err, p.err


@test
def nothing_is_said_to_be_nothing(place):
    fake = scripted(place, {})
    for words, text in [("guard", "nothing speaks against"), ("challenges", "no challenge"), ("methods", "no MFA method")]:
        p = mfa(place, fake, words)
        assert p.returncode == 0 and text in p.out, (p.out, p.err)
        p = mfa(place, fake, words, "--json")
        assert (p.returncode, p.out) == (0, ""), (p.out, p.err)


@each_of({
    "a list of numbers": {"keys": [1, None, {}], "key_info": []},
    "no list": {"keys": "alice"},
    "no object": [1, 2],
    "nothing": None,
})
def answers_of_another_shape_do_no_harm(place, value):
    fake = scripted(place, {("GET", "/v1/sys/mfa/%s" % path): data(value) for path in
                            ("guard?list=true", "challenge?list=true", "method?list=true", "guard/alice", "challenge/c-1",
                             "guard/", "challenge/")})
    for words in (["guard"], ["challenges"], ["methods"], ["guard", "alice"], ["challenges", "c-1"]):
        for more in ([], ["--json"]):
            p = mfa(place, fake, *words, *more)
            assert p.returncode in (0, 1), (words, p.returncode, p.err)


# ---- the real gate

@test
def the_real_gate_answers_over_tls_and_to_policies(place):
    os.mkdir(place.path("tls"))
    place.sim("--tls-make", place.path("tls"))  # makes a certificate for localhost, and its authority
    gate = Gate(place, listen=", tls_cert_file: %s, tls_key_file: %s" % (
        place.path("tls", "server.pem"), place.path("tls", "server-key.pem"))).start()
    env = {"BAO_ADDR": "https://localhost:%d" % gate.port, "BAO_TOKEN": gate.root, "HOME": place.root}
    refused = place.run("mfa", "methods", env=env)
    assert refused.returncode == 1 and "certificate" in refused.err, refused.err
    for more in ({"BAO_SKIP_VERIFY": "1"}, {"BAO_CACERT": place.path("tls", "ca.pem")}):
        p = place.run("mfa", "methods", env={**env, **more})
        assert (p.returncode, p.out) == (0, "there is no MFA method\n"), p.err
    env["BAO_CACERT"] = place.path("tls", "ca.pem")
    denied = place.run("mfa", "guard", env={**env, "BAO_TOKEN": "s.nobodyatallnobodyatall00"})
    assert denied.returncode == 1 and "permission denied" in denied.err, denied.err
    def audited():
        return [d["event"]["action"] for d in place.in_file() if "sys/mfa" in d["event"]["action"]]
    wait_until(lambda: len(audited()) >= 3, "the audit documents")
    assert sum("mfa/method" in a for a in audited()) == 2 and sum("mfa/guard" in a for a in audited()) == 1, audited()
    gate.stop()



def ask(company, *words, token=None, **more):
    """The command as somebody asks the company's gate."""
    env = {"BAO_ADDR": "http://127.0.0.1:%d" % company.gate.port, "BAO_TOKEN": token or company.gate.root,
           "HOME": company.place.root, **more}
    return company.place.run("mfa", *words, env=env)


def shown(company, *words, **more):
    p = ask(company, *words, **more)
    assert (p.returncode, p.err) == (0, ""), (words, p.returncode, p.err)
    return p.out


@test
def a_denial_is_shown_with_what_okta_logged_of_it_until_it_is_cleared(place):
    company = StepUps(place, watched=True)
    ann, bob = company.person("ann"), company.person("bob")
    company.approved(bob)
    company.denied(ann)
    company.refused(ann)
    for person in (ann, bob):
        uuids = [event["uuid"] for event in company.joined(company.challenges(person)[0], 2)]
        assert all(uuid in shown(company, "challenges") for uuid in uuids)
    table = shown(company, "challenges").splitlines()
    assert [line.split()[2] for line in table if not line.startswith(" ")] == ["WHO", ann.login, bob.login], table
    assert "read secret/ann" in table[1] and "push verification explicitly rejected" in table[1], table
    one = shown(company, "challenges", company.challenges(ann)[0]["id"])
    assert ann.login in one and ann.entity in one and "denied" in one, one
    guard = shown(company, "guard")
    assert ann.login in guard and "pause" in guard and bob.login not in guard, guard
    assert "mfa.guard.pause" in shown(company, "guard", ann.login.upper())
    assert "cleared" in shown(company, "guard", ann.login, "--clear")
    assert shown(company, "guard") == "nothing speaks against pushes to anybody\n"
    company.approved(ann)
    for name in ("nobody", "a/b c", "%2e%2e", "J\u00fcrgen"):
        p = ask(company, "guard", name)
        assert p.returncode == 1 and "knows nobody" in p.err, p.err


@test
def what_a_refusal_says_is_needed_is_enough(place):
    company = StepUps(place)
    ann = company.person("ann")
    company.denied(ann)
    token = company.gate.call("POST", "auth/token/create", {"policies": ["hint"]})[1]["auth"]["client_token"]
    for words in (["guard"], ["guard", ann.login], ["guard", ann.login, "--clear"], ["challenges"], ["methods"],
                  ["challenges", company.challenges(ann)[0]["id"]]):
        company.put("sys/policies/acl/hint", {"policy": 'path "none" { capabilities = ["deny"] }'})
        hints = []
        while (p := ask(company, *words, token=token)).returncode:
            hints += [line.strip() for line in p.err.splitlines() if "capabilities" in line]
            assert p.returncode == 1 and len(set(hints)) == len(hints) > 0, (words, p.err)
            merged = 'path "%s" { capabilities = [%s] }' % (
                re.search(r'path "(.*?)"', hints[-1]).group(1),
                ", ".join(re.search(r"\[(.*?)\]", hint).group(1) for hint in hints))
            company.put("sys/policies/acl/hint", {"policy": merged})
        assert p.out, words


@test
def an_administrator_whose_policy_demands_it_is_asked_as_everybody(place):
    company = StepUps(place, method={"number_matching": True})
    company.put("sys/policies/acl/mfa", {"policy": policy().replace("secret/*", "sys/mfa/*")})
    ann = company.person("ann")
    told = ask(company, "challenges", token=ann.token)
    found = re.search(r"tap (\d+) on your phone, then repeat the request with X-Vault-MFA: (\S+)", told.err)
    assert told.returncode == 1 and found and "capabilities" not in told.err, told.err
    company.answer(ann, "approve", int(found.group(1)))
    # It is good for the very same request, once.
    for words, status, text in ((["guard", ann.login], 1, "permission denied"), (["challenges"], 0, ann.login),
                                (["challenges"], 1, "permission denied")):
        p = ask(company, *words, token=ann.token, BAO_MFA=found.group(2))
        assert p.returncode == status and text in p.out + p.err, (p.out, p.err)
    assert company.pushes(ann) == 1


if __name__ == "__main__":
    main(jobs=4)
