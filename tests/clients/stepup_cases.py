# SPDX-License-Identifier: Apache-2.0
"""What each library must see of step-up: cases as those of cases.py, with people who answer their phones."""
import re

from cases import METHOD, case_with_phones, with_user
from gate import API_TOKEN

POLICY = """path "secret/*" {
  capabilities = ["read"]
  mfa_methods = ["my_okta"]
}
"""
NUMBER = re.compile(r"\t\* .*?\b(\d{1,3})\b.*\b(c-[0-9A-Za-z]{16})\b", re.S)
LOGIN = "alice@example.com"


def ready(it, phones, phone):
    """Alice, whose reads ask her phone, which answers by this script."""
    phones.sim.role("ok", API_TOKEN)
    phones.add(LOGIN, phone=phone)
    accessor = with_user(it)
    it.policy_put(name="users", text=POLICY)
    entity = it.write(path="identity/entity", data={"name": "alice", "metadata": {"email": LOGIN}})["data"]
    it.write(path="identity/entity-alias",
             data={"name": "alice", "canonical_id": entity["id"], "mount_accessor": accessor})
    it.write(path=METHOD, data={"mount_accessor": accessor, "org_name": "acme", "api_token": API_TOKEN,
                                "username_format": "{{entity.metadata.email}}"})
    it.mount(path="secret", type="kv")
    it.kv_put(name="secret", path="foo", data={"a": "b"})
    it.connect(it.login(path="userpass", user="alice", password="correct horse")["auth"]["client_token"])


def pushes(phones):
    return phones.counts_of(LOGIN)["pushes"]


@case_with_phones
def waits_for_the_phone_and_gets_the_secret(server, it, phones):
    ready(it, phones, {"do": "approve", "after": "2s"})
    assert it.read(path="secret/foo")["data"] == {"a": "b"}
    assert it.kv_get(name="secret", path="foo") == {"a": "b"}
    assert pushes(phones) == 2


@case_with_phones
def is_refused_by_the_phone_and_does_not_ask_again(server, it, phones):
    ready(it, phones, "deny")
    it.refused(403, "permission denied", "read", path="secret/foo")
    assert pushes(phones) == 1
    it.refused(403, "permission denied", "read", path="secret/foo")  # the guard's pause
    assert pushes(phones) == 1


@case_with_phones
def is_refused_in_time_when_nobody_answers(server, it, phones):
    ready(it, phones, "ignore")
    it.refused(403, "permission denied", "read", path="secret/foo")
    assert pushes(phones) == 1


@case_with_phones
def shows_the_number_and_goes_on_with_it(server, it, phones):
    ready(it, phones, "ignore")
    answer = it.try_to("mfa_read", path="secret/foo", mfa="my_okta:number")
    assert answer["error"]["status"] == 403, answer
    number, challenge = NUMBER.search(answer["error"]["errors"][0]).groups()
    phones.answer_of(LOGIN, "approve", int(number))
    assert it.mfa_read(path="secret/foo", mfa="my_okta:" + challenge)["data"] == {"a": "b"}
    assert pushes(phones) == 1


@case_with_phones
def is_refused_with_a_number_when_another_one_is_tapped(server, it, phones):
    ready(it, phones, "wrong_number")
    answer = it.try_to("mfa_read", path="secret/foo", mfa="my_okta:number")
    challenge = NUMBER.search(answer["error"]["errors"][0]).group(2)
    it.refused(403, "permission denied", "mfa_read", path="secret/foo", mfa="my_okta:" + challenge)
    assert pushes(phones) == 1


@case_with_phones
def passes_with_a_code(server, it, phones):
    ready(it, phones, "ignore")
    phones.add(LOGIN, factors=[{"factorType": "token:software:totp", "codes": ["123456"]}])
    it.refused(403, "permission denied", "mfa_read", path="secret/foo", mfa="my_okta:000000")
    assert it.mfa_read(path="secret/foo", mfa="my_okta:123456")["data"] == {"a": "b"}
    assert pushes(phones) == 0
