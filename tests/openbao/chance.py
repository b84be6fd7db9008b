# SPDX-License-Identifier: Apache-2.0
"""The random part of the differential test: sequences over few names, so that requests meet what others have left."""
import json

from steps import Script, VALUES

PEOPLE = ["ann", "ben", "Ann"]
POLICIES = ["p", "q", "P", "default", "root"]
RULES = ["read", "list", "create", "update", "delete", "deny", "sudo"]
SECRETS = ["r", "r/a", "r/a/b", "r/b", "r/"]
TOKENS = ["root", "root", "root", "${t0}", "${t1}", "${t2}", "${weak}", "s.bogus", None]
FIELDS = ["policies", "token_policies", "ttl", "metadata", "disabled", "name", "description", "num_uses", "period", "a"]


class Chance:
    def __init__(self, rand):
        self.rand = rand
        self.script = Script()
        self.actions = [self.secret, self.secret, self.user, self.login, self.policy, self.entity, self.alias,
                        self.token, self.about_token, self.mount, self.capabilities]

    def pick(self, items):
        return self.rand.choice(items)

    def body(self, **fields):
        """The fields as they should be; now and then with one more that may not fit."""
        text = json.dumps(fields)
        if self.rand.random() < 0.3:
            text = text.rstrip("}") + (", " if fields else "") + '"%s": %s}' % (self.pick(FIELDS), self.pick(VALUES))
        return text

    def ask(self, method, path, body=None, **more):
        more.setdefault("token", self.pick(TOKENS))
        self.script.ask("%s %s" % (method, path), method, path, body if method in ("PUT", "POST") else None, **more)

    def method(self):
        return self.pick(["GET", "GET", "PUT", "PUT", "POST", "LIST", "DELETE"])

    def secret(self):
        self.ask(self.method(), "kv/" + self.pick(SECRETS), self.body(a=self.rand.randrange(9)))

    def user(self):
        """Never deleted: a name that nobody has is locked out by the gate alone."""
        self.ask(self.pick(["GET", "PUT", "POST", "LIST"]), "auth/userpass/users/" + self.pick(PEOPLE),
                 self.body(password="pw", token_policies=self.rand.sample(POLICIES[:4], 2)))

    def login(self):
        self.ask("PUT", "auth/userpass/login/" + self.pick(PEOPLE), self.body(password=self.pick(["pw", "pw", "no"])),
                 token=None, capture={"t%d" % self.rand.randrange(3): "$.auth.client_token"})

    def policy(self):
        rules = "".join('path "kv/%s" { capabilities = %s }\n' % (
            self.pick(["*", "r/*", "r/+", "+", "r", "r/a", "r/+/b"]), json.dumps(self.rand.sample(RULES, 3)))
            for _ in range(self.rand.randrange(1, 4)))
        self.ask(self.method(), "sys/policies/acl/" + self.pick(POLICIES), json.dumps({"policy": rules}))

    def entity(self):
        self.ask(self.method(), "identity/entity/name/" + self.pick(PEOPLE),
                 self.body(metadata={"a": self.pick(PEOPLE)}))

    def alias(self):
        self.ask("PUT", "identity/entity-alias", self.body(name=self.pick(PEOPLE), mount_accessor="${userpass}"))
        self.ask("LIST", "identity/entity-alias/id", token="root")

    def token(self):
        self.ask("PUT", "auth/token/create", self.body(policies=self.rand.sample(POLICIES[:4], 2), ttl="1h"),
                 capture={"t%d" % self.rand.randrange(3): "$.auth.client_token"})

    def about_token(self):
        self.ask("PUT", "auth/token/" + self.pick(["lookup", "renew", "revoke", "revoke-orphan"]),
                 json.dumps({"token": self.pick(["${t0}", "${t1}", "${t2}", "nosuch"])}))
        self.ask("GET", "auth/token/lookup-self")

    def mount(self):
        place, kind = self.pick([("sys/mounts/", "kv"), ("sys/auth/", "userpass")])
        self.ask(self.method(), place + self.pick(["r1", "r1/deep", "kv", "r2"]), self.body(type=kind))

    def capabilities(self):
        self.ask("PUT", "sys/capabilities-self", json.dumps({"paths": ["kv/" + s for s in SECRETS]}))


def sequence(rand, count):
    """The kv mount may have been unmounted on the way; variables always hold something."""
    chance = Chance(rand)
    chance.script.group = "random requests, tokens"
    for name in ("t0", "t1", "t2"):
        chance.script.ask("token " + name, "PUT", "auth/token/create", {"policies": ["reader"]},
                          capture={name: "$.auth.client_token"})
    for name in PEOPLE[:2]:
        chance.script.ask("user " + name, "PUT", "auth/userpass/users/" + name, {"password": "pw"})
    while len(chance.script.steps) < count:
        chance.script.group = "random requests, %d" % (len(chance.script.steps) // 50)
        chance.pick(chance.actions)()
    return chance.script.steps
