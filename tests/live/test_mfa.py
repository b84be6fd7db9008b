# SPDX-License-Identifier: Apache-2.0
"""Step-up: a request under a policy with mfa_methods waits for the phone, and goes through or gets 403. What Vault
Enterprise does, row by row."""
import json
import socket
import ssl

from harness import main, now_ms, test, wait_until
from stepups import DENIED, HASH, ORG, PASSWORD, SECRET, Person, Request, StepUps, code_factor, policy, push_factor

EMAIL = "testuser@acme.example"
SEQUENCE_POLICY = """path "secret/foo" {
  capabilities = ["read"]
  mfa_methods = ["my_okta"]
}"""


@test
def the_sequence_of_vaults_own_test_ends_with_the_secret(place):
    # TestInteg_PolicyMFAOkta, step by step, with its data as they are sent.
    company = StepUps(place, method=False)
    company.put("sys/policies/acl/mfa_policy", {"policy": SEQUENCE_POLICY}, method="POST")
    company.put("auth/userpass/users/testuser", {"password_hash": HASH})
    entity = company.put("identity/entity", {"name": "test-entity", "policies": "mfa_policy",
                                             "metadata": {"email": EMAIL}})["id"]
    company.put("identity/entity-alias", {"name": "testuser", "canonical_id": entity,
                                          "mount_accessor": company.accessor})
    company.put("sys/mfa/method/okta/my_okta",
                {"mount_accessor": company.accessor, "org_name": ORG, "api_token": company.sim.token,
                 "primary_email": True, "username_format": "{{entity.metadata.email}}"})
    company.put("secret/foo", {"data": "which can only be read if MFA succeeds"})
    person = Person("testuser")
    person.path = "secret/foo"
    person.login = "t.user@acme.example"
    company.add(person.login, email=EMAIL)
    company.log_in(person)

    asked = company.ask(person)
    company.wait_polls(person, 2)
    assert not asked.is_answered(), "answered before the phone was"
    company.answer(person, "approve")
    status, answer = asked.answer()
    assert status == 200 and answer["data"] == {"data": "which can only be read if MFA succeeds"}, answer
    assert set(answer) == {"request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info", "warnings",
                           "auth"}, answer
    counts = company.counts(person)
    assert (counts["pushes"], counts["verify"]["asked"], counts["cancels"]["asked"]) == (1, 1, 0), counts

    # No pass is remembered: the next request asks again, and it is denied.
    company.denied(person)
    assert company.pushes(person) == 2


# ---- each way to be refused: reference 3.4, 4.6, okta-api 4.4

class Row:
    """Somebody whom the policy refuses (or not): what Okta and the gate know of them; what is told; how often the
    phone is asked."""

    def __init__(self, reason, pushes=0, status=403, method="my_okta", mfa=(), metadata=None, no_account=False,
                 twin=False, verify=None, account_status=None, **account):
        self.reason, self.pushes, self.status, self.method, self.mfa = reason, pushes, status, method, mfa
        self.metadata, self.no_account, self.twin, self.account = metadata, no_account, twin, account
        if account_status:
            self.account["status"] = account_status
        self.verify = pushes if verify is None else verify


def troubled(trouble, do="ignore", **more):
    return {"do": do, "trouble": trouble, **more}


# The texts of the audit documents are Vault's own where Vault has some.
NO_USER, TWO_USERS = "no users found for e-mail address", "more than one user found for e-mail address"
NO_FACTORS, NO_PUSH = "no MFA factors found for user", "no push-type MFA factor found for user"
REJECTED, UNKNOWN = "push verification explicitly rejected", "unknown status code"
FOREIGN = "Okta's answer does not lead to this transaction, user and factor"
UNREACHABLE = "Okta cannot be reached, or refuses the gate's credentials"
INACTIVE = "the Okta user is not active"
ALIAS = "could not find alias in entity matching the MFA's mount accessor"

ROWS = {
    "approved": Row(None, 1, 200, phone="approve"),
    "an unknown method": Row("MFA method configuration not present", method="nosuch"),
    "no alias on the method's mount": Row(ALIAS, method="elsewhere"),
    "a name that cannot be made": Row("the username_format cannot be filled in", metadata={"mail": "x"}),
    "a quote in the name": Row(NO_USER, metadata={"email": 'x" or profile.login sw "a'}),
    "a placeholder in a value": Row(NO_USER, metadata={"email": "{{entity.name}}@acme.example"}),
    "an unfinished passcode": Row("found an invalid MFA cred", mfa="my_okta:passcode="),
    "two passcodes": Row("found an invalid MFA cred", mfa=["my_okta:123456", "my_okta:234567"]),
    "an unknown key of a credential": Row("found an invalid MFA cred", mfa="my_okta:foo=bar"),
    "a code that is too short": Row("found an invalid MFA cred", mfa="my_okta:12"),
    "a code that is too long": Row("found an invalid MFA cred", mfa="my_okta:" + "1" * 11),
    "half a challenge": Row("found an invalid MFA cred", mfa="my_okta:c-12"),
    "a challenge that never was": Row("the transaction is unknown to Okta, or has expired",
                                      mfa="my_okta:c-" + "0" * 16),
    "any other word": Row(None, 1, 200, mfa="my_okta:push", phone="approve"),
    "a credential for another method": Row(None, 1, 200, mfa="other:123456", phone="approve"),
    "the method without a credential": Row(None, 1, 200, mfa="my_okta", phone="approve"),
    "no user": Row(NO_USER, no_account=True),
    "two users": Row(TWO_USERS, method="by_email", twin=True),
    "a suspended user": Row(INACTIVE, account_status="SUSPENDED"),
    "a deprovisioned user": Row(INACTIVE, account_status="DEPROVISIONED"),
    "a staged user": Row(INACTIVE, account_status="STAGED"),
    "a locked user": Row("the Okta user is locked out", account_status="LOCKED_OUT"),
    "no factor": Row(NO_FACTORS, factors=[]),
    "only codes": Row(NO_PUSH, factors=[code_factor("123456")]),
    "a factor that waits for its activation": Row(NO_PUSH, factors=[push_factor(status="PENDING_ACTIVATION")]),
    "an inactive factor": Row(NO_PUSH, factors=[push_factor(status="INACTIVE")]),
    "an inactive factor before an active one": Row(
        None, 1, 200, factors=[push_factor("Old", status="INACTIVE"), push_factor("New")], phone="approve"),
    "denied": Row(REJECTED, 1, phone="deny"),
    "cancelled on the phone": Row(UNKNOWN, 1, phone="cancel"),
    "an unknown result": Row(UNKNOWN, 1, phone={"do": "unknown", "result": "SUCCESS_OF_ANOTHER_KIND"}),
    "an empty result": Row(UNKNOWN, 1, phone={"do": "unknown", "result": " "}),
    "success in small letters": Row(UNKNOWN, 1, phone={"do": "unknown", "result": "success"}),
    "a transaction that is unknown in mid-poll": Row("the transaction is unknown to Okta, or has expired", 1,
                                                     phone=troubled("poll_404", polls=1)),
    "a link to another host": Row(FOREIGN, 1, phone=troubled("foreign_host", "approve")),
    "a link of another scheme": Row(FOREIGN, 1, phone=troubled("http_link", "approve")),
    "a link to another user": Row(FOREIGN, 1, phone=troubled("foreign_user", "approve")),
    "a link to another factor": Row(FOREIGN, 1, phone=troubled("foreign_factor", "approve")),
    "a link that is none": Row(FOREIGN, 1, phone=troubled("malformed_link", "approve")),
    "no link": Row(FOREIGN, 1, phone=troubled("no_link", "approve")),
    "a verify that Okta failed": Row(UNREACHABLE, 0, verify=1, phone=troubled("verify_500", "approve")),
    "a verify that Okta was not there for": Row(UNREACHABLE, 0, verify=1, phone=troubled("verify_503", "approve")),
    "a verify without an answer": Row(UNREACHABLE, 1, phone=troubled("verify_lost", "approve")),
    "a poll that Okta failed": Row(None, 1, 200, phone=troubled("poll_500", "approve", polls=0)),
    "a poll that Okta was not there for": Row(None, 1, 200, phone=troubled("poll_503", "approve", polls=0)),
    "a poll without an answer": Row(None, 1, 200, phone=troubled("poll_lost", "approve", polls=0)),
}


def set_up(company, name, row):
    person = Person(name)
    if not row.no_account:
        company.account(person, **row.account)
    if row.twin:
        company.add("other-" + person.login, email=person.login, phone="approve")
    if row.method != "my_okta":
        company.put("sys/policies/acl/mfa-" + row.method, {"policy": policy(row.method)})
    company.entity_of(person, "mfa" if row.method == "my_okta" else "mfa-" + row.method, metadata=row.metadata)
    return company.log_in(person)


def judge(company, person, row, got):
    """What is wrong with this row."""
    status, answer = got
    document = company.request_document(person.path)
    wrong = []
    if status != row.status:
        wrong.append("status %d" % status)
    if status == 403 and answer != DENIED:
        wrong.append("answer %r" % answer)
    if status == 200 and answer["data"] != SECRET:
        wrong.append("data %r" % answer["data"])
    if document["event"].get("reason") != row.reason:
        wrong.append("reason %r" % document["event"].get("reason"))
    if document["gatehouse"]["gate"].get("mfa", {}).get("result") != ("passed" if row.status == 200 else "refused"):
        wrong.append("document %s" % document["gatehouse"]["gate"])
    if not row.no_account:
        counts = company.counts(person)
        if (counts["pushes"], counts["verify"]["asked"]) != (row.pushes, row.verify):
            wrong.append("%d pushes by %d requests" % (counts["pushes"], counts["verify"]["asked"]))
    return wrong


@test
def each_way_to_fail_is_a_plain_403_whose_reason_is_in_the_audit_document(place):
    company = StepUps(place)
    company.put("sys/auth/other", {"type": "userpass"})
    company.method("elsewhere", mount_accessor=company.get("sys/auth")["other/"]["accessor"])
    company.method("by_email", primary_email=True)
    people = {name: set_up(company, "p%d" % i, row) for i, (name, row) in enumerate(ROWS.items())}
    asked = {name: company.ask(people[name], mfa=row.mfa) for name, row in ROWS.items()}
    wrong = {name: judge(company, people[name], ROWS[name], request.answer()) for name, request in asked.items()}
    wrong = {name: what for name, what in wrong.items() if what}
    assert not wrong, json.dumps(wrong, indent=1)


@test
def a_token_without_an_entity_is_refused(place):
    company = StepUps(place)
    company.put("secret/x", SECRET)
    for body in ({"policies": ["mfa"]}, {"policies": ["mfa"], "no_parent": True}):
        status, made = company.gate.call("POST", "auth/token/create", body)
        assert status == 200, made
        token = made["auth"]["client_token"]
        assert Request(company.gate, "GET", "secret/x", token=token).answer() == (403, DENIED)
        wait_until(lambda: [d for d in company.documents("secret/x") if d["event"].get("reason") == "entity is nil"],
                   "the reason in the audit document")


@test
def a_push_that_nobody_answers_is_refused_and_taken_back(place):
    company = StepUps(place, mfa={"wait": "3s"})
    ann = company.person("ann")
    assert company.read(ann) == (403, DENIED)
    assert company.request_document(ann.path)["event"]["reason"] == "push verification timed out"
    company.wait_state(ann, "cancelled")


@test
def a_push_that_okta_lets_expire_is_refused(place):
    company = StepUps(place)
    company.sim.set(push_life="2s")
    ann = company.person("ann")
    assert company.read(ann) == (403, DENIED)
    assert company.request_document(ann.path)["event"]["reason"] == "push verification timed out"
    company.wait_state(ann, "expired")


@test
def a_client_that_hangs_up_ends_its_push_and_the_polling(place):
    company = StepUps(place)
    ann, bob = company.person("ann"), company.person("bob")
    asked = company.ask(ann)
    company.wait_polls(ann, 1)
    asked.hang_up()
    company.wait_state(ann, "cancelled")
    before = company.counts(ann)
    assert before["cancels"]["asked"] == 1, before
    document = company.request_document(ann.path)
    assert document["event"]["reason"] == "push verification operation canceled", document
    # In the time of another's push, ann's transaction is not asked for any more.
    asked = company.ask(bob)
    company.wait_polls(bob, 2)
    company.answer(bob, "approve")
    assert asked.answer()[0] == 200
    assert company.counts(ann) == before
    # What has been taken back stands in nobody's way.
    company.approved(ann)


@test
def a_client_that_is_gone_before_its_push_left_gets_none(place):
    company = StepUps(place)
    ann = company.person("ann")
    company.sim.fault("stall_before", path="factors")
    asked = company.ask(ann)
    wait_until(lambda: company.sim.faults_left() == 0, "the list of factors to be asked for")
    asked.hang_up()
    document = company.request_document(ann.path)
    assert document["event"]["reason"] == "push verification operation canceled", document
    counts = company.counts(ann)
    assert (counts["pushes"], counts["verify"]["asked"]) == (0, 0), counts
    company.approved(ann)


@test
def many_clients_that_hang_up_leave_nothing_behind(place):
    company = StepUps(place)
    people = [company.person("p%d" % i) for i in range(20)]
    asked = [company.ask(person) for person in people]
    for person in people[::2]:
        company.push(person)
    for request in asked:
        request.hang_up()
    wait_until(lambda: company.waiting() == 0, "no push that waits")
    for person in people:
        company.request_document(person.path)
    assert sum(company.counts(p)["overlapping"] for p in people) == 0
    company.approved(people[0])


@test
def a_request_that_comes_behind_one_that_waits_is_answered_after_it(place):
    company = StepUps(place)
    ann = company.person("ann")
    lines = "GET /v1/%s HTTP/1.1\r\nHost: gate\r\nX-Vault-Token: " + ann.token + "\r\n%s\r\n"
    both = lines % (ann.path, "") + lines % ("auth/token/lookup-self", "Connection: close\r\n")
    with socket.create_connection(("127.0.0.1", company.gate.port), timeout=60) as s:
        s.sendall(both.encode())
        company.wait_polls(ann, 1)
        company.answer(ann, "approve")
        got = b"".join(iter(lambda: s.recv(65536), b""))
    assert got.count(b"HTTP/1.1 200") == 2 and 0 < got.index(b"hunter2") < got.index(b"display_name"), got
    assert company.counts(ann)["cancels"]["asked"] == 0


@test
def over_tls_it_waits_and_notices_who_hangs_up_as_well(place):
    place.sim("--tls-make", place.path("tls"))  # its certificate will do for the gate
    company = StepUps(place, context=ssl.create_default_context(cafile=place.path("tls", "ca.pem")),
                      listen=", tls_cert_file: %s, tls_key_file: %s" % (
                          place.path("tls", "server.pem"), place.path("tls", "server-key.pem")))
    ann = company.person("ann")
    company.approved(ann)
    asked = company.ask(ann)
    company.wait_polls(ann, 2)
    asked.hang_up()
    company.wait_state(ann, "cancelled")
    company.wait_guard(ann, None)  # the gate has written it down, too: no push is out
    company.denied(ann)


# ---- when it is asked for, and when not: reference 3.2

DENIES = """path "secret/*" { capabilities = ["read"]
  mfa_methods = ["my_okta"] }
path "secret/closed" { capabilities = ["deny"] }
path "secret/open" { capabilities = ["read"] }
path "secret/fixed" { capabilities = ["update"]
  mfa_methods = ["my_okta"]
  allowed_parameters = { "a" = [] } }
"""


@test
def nobody_is_asked_for_what_needs_no_method_or_is_denied_anyway(place):
    company = StepUps(place)
    company.put("sys/policies/acl/denies", {"policy": DENIES})
    ann = company.person("ann")
    company.put("identity/entity/id/" + ann.entity, {"policies": "denies"})
    for path in ("secret/closed", "secret/open", "secret/fixed"):
        company.put(path, SECRET)

    def status(method, path, body=None, token=None):
        return company.ask(ann, method, path, body, token).answer()[0]

    assert status("GET", "secret/closed") == 403
    assert status("PUT", "secret/ann", {"a": 1}) == 403  # the rule has no update
    assert status("PUT", "secret/fixed", {"b": 1}) == 403
    assert status("GET", "secret/open") == 200
    assert status("GET", "secret/ann?help=1") == 200
    assert status("GET", "secret/ann", token=company.gate.root) == 200
    assert status("GET", "auth/token/lookup-self") == 200
    assert company.token_of(ann)
    got = company.ask(ann, "POST", "sys/capabilities-self", {"paths": ["secret/ann"]}).answer()
    assert got[1]["data"]["secret/ann"] == ["read"], got
    assert status("GET", "secret/ann", token="s.AAAABBBBCCCCDDDDEEEEFFFF") == 403
    assert company.pushes(ann) == 0
    company.approved(ann)


@test
def a_write_is_done_after_the_push_and_not_without_it(place):
    company = StepUps(place)
    ann = company.person("ann")
    asked = company.ask(ann, "PUT", body={"user": "new"})
    company.wait_polls(ann, 1)
    assert company.get(ann.path) == SECRET
    company.answer(ann, "approve")
    assert asked.answer() == (204, None)
    assert company.get(ann.path) == {"user": "new"}
    asked = company.ask(ann, "DELETE")
    company.answer(ann, "deny")
    assert asked.answer() == (403, DENIED)
    assert company.get(ann.path) == {"user": "new"}


@test
def a_use_of_a_limited_token_is_spent_once_by_a_request_that_waits(place):
    company = StepUps(place)
    ann = company.person("ann")
    made = company.ask(ann, "POST", "auth/token/create", {"policies": ["default"], "num_uses": 3}).answer()
    assert made[0] == 200, made
    token = made[1]["auth"]["client_token"]
    company.approved(ann, token=token)
    assert company.read(ann, path="auth/token/lookup-self", token=token)[1]["data"]["num_uses"] == 1
    assert company.ask(ann, token=token, path="auth/token/lookup-self").answer()[0] == 200
    assert company.ask(ann, token=token, path="auth/token/lookup-self").answer()[0] == 403


@test
def a_child_token_asks_the_phone_of_its_entity_and_an_orphan_nobodys(place):
    company = StepUps(place)
    ann = company.person("ann")
    status, made = company.ask(ann, "POST", "auth/token/create", {"policies": ["default"]}).answer()
    assert status == 200, made
    company.approved(ann, token=made["auth"]["client_token"])
    status, made = company.gate.call("POST", "auth/token/create-orphan", {"policies": ["mfa"]})
    assert status == 200, made
    company.refused(ann, token=made["auth"]["client_token"])


@test
def a_wrapped_read_waits_and_is_wrapped(place):
    company = StepUps(place)
    ann = company.person("ann")
    asked = company.ask(ann, headers={"X-Vault-Wrap-TTL": "60s"})
    company.answer(ann, "approve")
    status, answer = asked.answer()
    assert status == 200 and answer["wrap_info"]["token"] and not answer["data"], answer
    status, answer = company.gate.call("POST", "sys/wrapping/unwrap", token=answer["wrap_info"]["token"])
    assert (status, answer["data"]) == (200, SECRET), answer


@test
def the_documents_of_a_challenge_tell_all_but_secrets(place):
    company = StepUps(place)
    ann = company.person("ann")
    began = now_ms()
    company.approved(ann)
    company.denied(ann)
    first, second = company.challenge_documents(ann, 2)
    assert [d["event"]["outcome"] for d in (first, second)] == ["success", "failure"]
    assert first["event"]["category"] == ["authentication"] and "allowed" in first["event"]["type"], first
    assert "denied" in second["event"]["type"], second
    assert second["event"]["reason"], second
    assert began <= company.instant(first) <= company.instant(second), (first, second)
    for document in (first, second):
        text = json.dumps(document)
        for word in (ann.entity, ann.login, "my_okta"):
            assert word in text, (word, document)
        for secret in (company.sim.token, ann.token, PASSWORD, SECRET["password"]):
            assert secret not in text, (secret, document)
    requests = [d for d in company.documents(ann.path) if d["gatehouse"]["gate"].get("mfa")]
    ids = [d["gatehouse"]["gate"]["mfa"]["challenge_ids"] for d in requests]
    assert len(ids) == 2 and all(len(i) == 1 for i in ids) and ids[0] != ids[1], requests
    for document, challenge in zip((first, second), ids):
        assert challenge[0] in json.dumps(document), document


if __name__ == "__main__":
    main(jobs=4)
