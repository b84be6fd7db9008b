# SPDX-License-Identifier: Apache-2.0
"""The table of tests/acl against the real OpenBao and against the gate: what they say of each policy and path, or do
with each request.

The same rows are what tests/unit/identity/test_acl_table.c asks of our own code. Where a row has `openbao`, the real
server decides otherwise, and `reason` says why we do not follow it.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "openbao"))

from harness import main, test  # noqa: E402
from servers import gatehouse_dev, openbao_dev  # noqa: E402

TABLE = os.path.join(HERE, "..", "acl", "table.ndjson")
MOUNT = "acl-judge"
PASSWORD = "a password of this test"
METHODS = {"read": "GET", "list": "LIST", "delete": "DELETE", "update": "POST"}


def rows():
    with open(TABLE, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


class Judge:
    """A server, and a token for each set of policies and entity that rows ask about."""

    def __init__(self, server):
        self.server = server
        self.tokens = {}
        server.call("POST", "sys/mounts/" + MOUNT, {"type": "kv", "options": {"version": "1"}})
        server.call("POST", "sys/auth/userpass", {"type": "userpass"})
        self.accessor = server.call("GET", "sys/auth")["data"]["userpass/"]["accessor"]

    def policies(self, row, number):
        names = ["p%d-%d" % (number, i) for i in range(len(row["policies"]))]
        for name, text in zip(names, row["policies"]):
            text = text.replace("ACCESSOR", self.accessor)
            self.server.call("POST", "sys/policies/acl/" + name, {"policy": text, **row.get("flags", {})})
        return names

    def login(self, names, entity, number):
        """A token by a login, because only that one has an entity whose values are known."""
        alias = entity.get("alias", {})
        user = alias.get("name", "user%d" % number)
        old = self.server.call("GET", "identity/entity/name/" + entity["name"], expect=(200, 404))
        if old.get("data"):
            self.server.call("DELETE", "identity/entity/id/" + old["data"]["id"])
        made = self.server.call("POST", "identity/entity",
                                {"name": entity["name"], "metadata": entity.get("metadata", {})})
        self.server.call("POST", "auth/userpass/users/" + user,
                         {"password": PASSWORD, "token_policies": names, "token_no_default_policy": True})
        self.server.call("POST", "identity/entity-alias",
                         {"name": user, "canonical_id": made["data"]["id"], "mount_accessor": self.accessor,
                          "custom_metadata": alias.get("custom_metadata", {})})
        answer = self.server.call("POST", "auth/userpass/login/" + user, {"password": PASSWORD}, token=None)
        return answer["auth"]["client_token"]

    def token(self, row):
        key = json.dumps([row["policies"], row.get("entity"), row.get("flags")])
        if key not in self.tokens:
            number = len(self.tokens)
            names = self.policies(row, number)
            if "entity" in row:
                self.tokens[key] = self.login(names, row["entity"], number)
            else:
                made = self.server.call("POST", "auth/token/create", {"policies": names, "no_default_policy": True})
                self.tokens[key] = made["auth"]["client_token"]
        return self.tokens[key]

    def capabilities(self, row):
        answer = self.server.call("POST", "sys/capabilities", {"token": self.token(row), "paths": [row["path"]]},
                                  expect=(200, 403))
        return answer["data"][row["path"]] if "data" in answer else ["error"]

    def prepare(self, row):
        """Something is there to be read, listed and deleted."""
        for name in ("x", "f/x"):
            self.server.call("POST", "%s/%s" % (MOUNT, name), {"v": "1"})
        return self.token(row)

    def allowed(self, row):
        token, path, data = self.prepare(row), "/v1/" + row["path"], row.get("data")
        headers = {"X-Vault-Token": token}
        body = None
        if row.get("wrap_s"):
            headers["X-Vault-Wrap-TTL"] = str(row["wrap_s"])
        if data and row["operation"] in ("read", "list"):
            path += "?" + "&".join("%s=%s" % pair for pair in data.items())
        elif data is not None:
            body = json.dumps(data)
        answer = self.server.ask(METHODS[row["operation"]], path, headers, body)
        assert answer.status in (200, 204, 403), "%s: %d %s" % (row, answer.status, answer.raw)
        return answer.status != 403

    def decide(self, row):
        return self.allowed(row) if "operation" in row else self.capabilities(row)


def expected(row, key=None):
    ours = row.get("allowed", row.get("capabilities"))
    return row.get(key, ours) if key else ours


def assert_table(server, key=None):
    """Every row is decided as it says; `key` names what it says of this server in particular."""
    try:
        judge = Judge(server)
        wrong = []
        for row in rows():
            found = judge.decide(row)
            if found != expected(row, key):
                wrong.append("%s: %s" % (found, json.dumps(row)))
        assert not wrong, "%d rows are otherwise:\n%s" % (len(wrong), "\n".join(wrong))
    finally:
        server.stop()


@test
def every_row_is_what_the_real_server_decides(place):
    assert_table(openbao_dev(place.root), "openbao")


@test
def every_row_is_what_the_gate_decides(place):
    assert_table(gatehouse_dev(folder=place.root))


@test
def the_table_has_its_rows_and_a_reason_for_each_difference(place):
    found = rows()
    assert len(found) >= 300, len(found)
    for row in found:
        assert ("openbao" in row) == ("reason" in row), row
        assert row.get("openbao") != expected(row), row


if __name__ == "__main__":
    main()
