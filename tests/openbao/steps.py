# SPDX-License-Identifier: Apache-2.0
"""The requests of the differential test: a list of steps, each asked of both servers.

A step's path, headers and body may hold `${name}`: what an earlier step captured, on each server its own.
"""
import json

MATRIX_METHODS = ("GET", "LIST", "POST", "PUT", "DELETE", "PATCH", "HEAD")


class Step:
    def __init__(self, group, name, method, path, body=None, token="root", headers=None, capture=None):
        self.group, self.name, self.method, self.path = group, name, method, path
        self.body = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        self.headers = dict(headers or {})
        if token:
            self.headers.setdefault("X-Vault-Token", token)
        self.capture = capture or {}


class Script:
    """Steps that are written one after the other. Those of a group are one case."""

    def __init__(self):
        self.steps = []
        self.group = None

    def ask(self, name, method, path, body=None, **more):
        self.steps.append(Step(self.group, name, method, "/v1/" + path, body, **more))

    def get(self, path, **more):
        self.ask("read", "GET", path, **more)

    def list(self, path, **more):
        self.ask("list", "LIST", path, **more)

    def put(self, path, body=None, **more):
        self.ask("write", "PUT", path, body, **more)

    def delete(self, path, **more):
        self.ask("delete", "DELETE", path, **more)


READER = 'path "kv/*" { capabilities = ["read", "list"] }'
WRITER = 'path "kv/+/own" { capabilities = ["create", "update", "read"] }\npath "kv/a/*" { capabilities = ["deny"] }'
KEYS = """path "kv/keys/*" {
  capabilities = ["create", "update"]
  allowed_parameters = { "a" = ["1", "x*"], "b" = [] }
  denied_parameters = { "c" = [] }
  required_parameters = ["a"]
}"""
TOKENS = {"weak": ["nothing"], "reader": ["reader"], "both": ["reader", "writer"], "keys": ["keys"]}


def setup(s):
    """mounts, policies, users and tokens that everything after works with"""
    s.delete("sys/mounts/secret")
    s.put("sys/mounts/kv", {"type": "kv"})
    s.put("sys/auth/userpass", {"type": "userpass"})
    s.put("sys/auth/two", {"type": "userpass", "description": "a second one"})
    for name, text in (("reader", READER), ("writer", WRITER), ("keys", KEYS)):
        s.put("sys/policies/acl/" + name, {"policy": text})
    s.get("sys/auth", capture={"userpass": "$['userpass/'].accessor", "two": "$['two/'].accessor"})
    s.get("sys/mounts", capture={"kv": "$['kv/'].accessor"})
    for name, policies in TOKENS.items():
        s.put("auth/token/create", {"policies": policies, "ttl": "1h"},
              capture={name: "$.auth.client_token", name + "_acc": "$.auth.accessor"})
    s.put("auth/userpass/users/alice", {"password": "pw", "token_policies": "reader"})
    s.put("auth/userpass/login/alice", {"password": "pw"}, token=None,
          capture={"alice": "$.auth.client_token", "alice_entity": "$.auth.entity_id"})
    s.put("identity/entity", {"name": "bob", "metadata": {"team": "t"}, "policies": ["reader"]},
          capture={"bob": "$.data.id"})
    s.put("identity/entity-alias", {"name": "bob", "canonical_id": "${bob}", "mount_accessor": "${userpass}"},
          capture={"bob_alias": "$.data.id"})
    for path in ("kv/one", "kv/a/b", "kv/a/own", "kv/x/own", "kv/uni/ü"):
        s.put(path.replace("ü", "%C3%BC"), {"path": path, "n": 1})


# Every path that both have, with a body that it accepts. `~` becomes a name of the case's own.
PATHS = [
    ("sys/auth/~", {"type": "userpass"}), ("sys/auth/~/tune", {"description": "x"}), ("sys/auth", None),
    ("sys/mounts/~", {"type": "kv"}), ("sys/mounts/~/tune", {"description": "x"}), ("sys/mounts", None),
    ("sys/mounts/auth/~/tune", {"description": "x"}),
    ("sys/policies/acl/~", {"policy": 'path "a" { capabilities = ["read"] }'}), ("sys/policies/acl", None),
    ("sys/policy/~", {"policy": 'path "a" { capabilities = ["read"] }'}), ("sys/policy", None),
    ("sys/capabilities-self", {"paths": ["kv/one", "sys/mounts"]}),
    ("sys/capabilities", {"paths": ["kv/one"], "token": "${reader}"}),
    ("sys/capabilities-accessor", {"paths": ["kv/one"], "accessor": "${reader_acc}"}),
    ("sys/internal/ui/mounts", None), ("sys/internal/ui/mounts/kv", None), ("sys/internal/ui/mounts/nosuch", None),
    ("sys/internal/ui/resultant-acl", None), ("sys/leader", None), ("sys/init", {"secret_shares": 1}),
    ("sys/seal-status", None), ("sys/health", None), ("sys/wrapping/wrap", {"a": "b"}),
    ("sys/wrapping/lookup", {"token": "s.nosuch"}), ("sys/wrapping/unwrap", {"token": "s.nosuch"}),
    ("sys/wrapping/rewrap", {"token": "s.nosuch"}), ("sys/nosuch", {"a": 1}),
    ("auth/token/create", {"policies": ["default"]}), ("auth/token/create-orphan", {"policies": ["default"]}),
    ("auth/token/lookup", {"token": "${reader}"}), ("auth/token/lookup-self", None),
    ("auth/token/lookup-accessor", {"accessor": "${reader_acc}"}), ("auth/token/renew", {"token": "${reader}"}),
    ("auth/token/renew-self", {"increment": 60}), ("auth/token/renew-accessor", {"accessor": "${reader_acc}"}),
    ("auth/token/revoke", {"token": "s.nosuch"}), ("auth/token/revoke-accessor", {"accessor": "nosuch"}),
    ("auth/token/revoke-orphan", {"token": "s.nosuch"}), ("auth/token/accessors", None),
    ("auth/token/nosuch", None), ("auth/userpass/users/~", {"password": "pw"}), ("auth/userpass/users", None),
    ("auth/userpass/users/~/password", {"password": "pw2"}),
    ("auth/userpass/users/~/policies", {"token_policies": "p"}),
    ("auth/userpass/login/alice", {"password": "wrong"}), ("auth/userpass/nosuch", None),
    ("auth/nosuch/login/x", {}), ("identity/entity", {"name": "~"}),
    ("identity/entity/name/~", {"metadata": {"a": "b"}}), ("identity/entity/id/${bob}", {"metadata": {"a": "b"}}),
    ("identity/entity/id/nosuch", {"name": "x"}), ("identity/entity/id", None), ("identity/entity/name", None),
    ("identity/entity/batch-delete", {"entity_ids": []}),
    ("identity/entity/merge", {"from_entity_ids": ["nosuch"], "to_entity_id": "${bob}"}),
    ("identity/entity-alias", {"name": "~", "mount_accessor": "${two}"}), ("identity/entity-alias/id", None),
    ("identity/entity-alias/id/${bob_alias}", {"custom_metadata": {"a": "b"}}),
    ("identity/lookup/entity", {"name": "bob"}), ("identity/nosuch", None), ("kv/~", {"a": "b"}),
    ("kv/one", {"a": "b"}), ("kv/", None), ("kv", None), ("kv/dir/~", {"a": "b"}), ("cubbyhole/~", {"a": "b"}),
    ("cubbyhole/", None), ("nosuch/~", {"a": "b"}),
]


def matrix(s):
    """Every path by every method, with the root token, with one that may nothing, and with none or a wrong one."""
    for number, (path, body) in enumerate(PATHS):
        s.group = "every method on " + path
        own = path.replace("~", "m%d" % number)
        content = None if body is None else json.dumps(body).replace("~", "m%d" % number)
        for method in MATRIX_METHODS:
            sent = content if method in ("POST", "PUT", "PATCH") else None
            headers = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else None
            for token in (None, "s.bogus", "${weak}", "root"):
                who = {None: "no token", "s.bogus": "bad token", "${weak}": "weak token"}.get(token, "root")
                s.ask("%s %s as %s" % (method, path, who), method, own, sent, token=token, headers=headers)


BODIES = ["", "null", "{}", "[]", "\"x\"", "12", "true", "{", "{}{}", "{} x", "\ufeff{}", "{\"a\":1,\"a\":2}", "nul",
          "{\"a\":\"\\ud800\"}", "{\"a\":\"\\u0000\"}", "{'a':1}", "{\"a\":01}", "{\"a\":1,}", "a=b", "[1]x", " \n\t",
          "{\"a\":" + "[" * 200 + "]" * 200 + "}", "{\"a\":1e400}", "{\"a\":NaN}", b"{\"a\":\"\xff\"}"]
BODY_PATHS = ["kv/bodies", "sys/policies/acl/bodies", "auth/token/create", "identity/entity/name/bodies",
              "auth/userpass/users/bodies", "sys/capabilities-self", "sys/auth/bodies", "auth/userpass/login/alice"]


def bodies(s):
    for path in BODY_PATHS:
        s.group = "odd bodies to " + path
        for number, body in enumerate(BODIES):
            s.ask("body %d to %s" % (number, path), "POST", path, body)
    s.group = "form bodies"
    for body in ("a=b", "a=b&a=c", "a=%zz", "{\"a\":\"b\"}", "", "a", "=b", "a=b+c&d=%C3%BC"):
        s.ask("form %r" % body, "POST", "kv/form", body,
              headers={"Content-Type": "application/x-www-form-urlencoded"})
        s.get("kv/form")


VALUES = [
    "true", "false", "0", "1", "5", "-1", "1.5", "1e3", "12345678901234567890", "null", '""', '"x"', '"true"',
    '"T"', '"yes"', '"0"', '"7"', '"-7"', '"5m"', '"1h30m"', '"1d"', '"5 m"', '"1.5h"', "[]", '["a"]', '["a","b"]',
    '[1,"b"]', "[true]", "[[]]", '"a,b"', '" a , b "', '","', "{}", '{"k":"v"}', '{"k":1}', '{"k":null}', '"k=v"',
    '["k=v"]', '["k=v","j=w=x"]', '["k"]', '"ünï"', '"a\\nb"', '"<&>"', '["root"]', '["default"]', '["Upper"]',
]

# path (~: a name of the case's own), fixed fields, the fields that take every value in turn, where to read it back.
FIELDS = [
    ("auth/userpass/users/~", {"password": "pw"},
     ["token_policies", "policies", "token_ttl", "ttl", "token_max_ttl", "token_explicit_max_ttl", "token_period",
      "token_num_uses", "token_no_default_policy", "token_bound_cidrs", "token_type", "nosuch"],
     "auth/userpass/users/~"),
    ("auth/token/create", {},
     ["policies", "ttl", "explicit_max_ttl", "period", "num_uses", "renewable", "no_default_policy", "no_parent",
      "display_name", "meta", "type", "entity_alias", "lease"], None),
    ("identity/entity", {"name": "~"}, ["policies", "metadata", "disabled", "id", "name"], "identity/entity/name/~"),
    ("identity/entity-alias", {"name": "~", "mount_accessor": "${two}"},
     ["custom_metadata", "canonical_id", "mount_accessor", "name", "id"], None),
    ("sys/auth/~", {"type": "userpass"}, ["description", "type", "config", "local", "options", "seal_wrap"],
     "sys/auth/~/tune"),
    ("sys/auth/two/tune", {}, ["description", "default_lease_ttl", "max_lease_ttl", "token_type", "listing_visibility",
                               "force_no_cache", "audit_non_hmac_request_keys"], "sys/auth/two/tune"),
    ("sys/mounts/kv/tune", {}, ["description", "default_lease_ttl", "max_lease_ttl", "options"], "sys/mounts/kv/tune"),
    ("sys/capabilities-self", {}, ["paths", "path"], None),
    ("kv/~", {}, ["ttl", "lease", "value"], "kv/~"),
    ("sys/policies/acl/~", {}, ["policy"], "sys/policies/acl/~"),
    ("identity/lookup/entity", {}, ["name", "id", "alias_id", "alias_name"], None),
    ("auth/token/lookup", {}, ["token"], None),
    ("sys/wrapping/lookup", {}, ["token"], None),
]


def coercions(s):
    """Every field with values that fit and that do not, and what became of them."""
    for path, fixed, fields, back in FIELDS:
        for field in fields:
            s.group = "values of %s in %s" % (field, path)
            for number, value in enumerate(VALUES):
                own = "f-%s-%d" % (field, number)
                body = json.dumps({k: v for k, v in fixed.items() if k != field})
                body = body.rstrip("}") + (", " if len(body) > 2 else "") + '"%s": %s}' % (field, value)
                s.ask("%s %s=%s" % (path, field, value), "POST", path.replace("~", own), body.replace("~", own))
                if back:
                    s.ask("after %s=%s" % (field, value), "GET", back.replace("~", own))
                if path.startswith(("sys/auth/~", "auth/userpass")):
                    s.delete(path.replace("~", own))  # so that what is listed later says nothing of this


OPERATIONS = [
    ("GET", None), ("LIST", None), ("PUT", '{"a": "1"}'), ("PUT", '{"a": "xyz", "b": 1}'), ("PUT", '{"c": 1}'),
    ("PUT", '{"b": 1}'), ("DELETE", None),
]
GUARDED = ["kv/one", "kv/a/b", "kv/a/own", "kv/x/own", "kv/new/own", "kv/keys/x", "kv/keys/", "kv/", "kv/a", "kv/a/",
           "cubbyhole/x", "sys/mounts", "sys/policies/acl/reader", "auth/token/accessors", "identity/entity/id/${bob}"]


def decisions(s):
    for token in (*TOKENS, "alice"):
        s.group = "what the token %s may do" % token
        for path in GUARDED:
            for method, body in OPERATIONS:
                s.ask("%s %s as %s" % (method, path, token), method, path, body, token="${%s}" % token)
        s.put("sys/capabilities-self", {"paths": GUARDED}, token="${%s}" % token)
        s.get("auth/token/lookup-self", token="${%s}" % token)
        s.get("sys/internal/ui/resultant-acl", token="${%s}" % token)
        s.get("sys/internal/ui/mounts", token="${%s}" % token)


POLICY_TEXTS = [
    'path "a" {}', 'path "a" { capabilities = [] }', 'path "a" { capabilities = ["nosuch"] }',
    'path "a" { policy = "write" }', 'path "a" { policy = "nosuch" }', 'path a { policy = "read" }',
    'path "a" "b" { policy = "read" }', 'path "a" { foo = 1 }', 'name = "x"', 'foo = "x"', '# only a comment', ' ',
    'path "+*" { policy = "read" }', 'path "a/+*" { policy = "read" }', 'path "a/*/b" { capabilities = ["read"] }',
    'path "a" { min_wrapping_ttl = "5m" max_wrapping_ttl = "1m" }', 'path "a" { min_wrapping_ttl = "x" }',
    'path "a" { allowed_parameters = [] }', 'path "a" { required_parameters = "a" }',
    '{"path": {"a": {"capabilities": ["read"]}}}', '{"path": {"a": {"policy": "nosuch"}}}', '{"path": [{"a": {}}]}',
    'path "a" { capabilities = ["read"], }', 'path "a" { capabilities = ["read" "list"] }',
    'path "a" { capabilities = ["read",] }', 'path "a" {\n capabilities = ["read"]\n',
    'path "a" { capabilities = ["read"] } }', 'path "a { }', "path 'a' {}",
    'path "a" { capabilities = <<EOF\nread\nEOF\n}', 'path "a\\nb" { policy = "read" }',
    'path "ü/*" { policy = "read" }', '/* open', 'path "" { policy = "read" }', 'path "/a" { policy = "read" }',
    'path "a" { mfa_methods = ["x"] }', 'path "a" { mfa_methods = "x" }',
    'path "{{identity.entity.id}}" { policy = "read" }', 'path "{{nosuch}}" { policy = "read" }',
    'path "a" { policy = "read" }\npath "a" { policy = "write" }', 'cGF0aCAiYSIgeyBwb2xpY3kgPSAicmVhZCIgfQ==',
    'path "a" { comment = "x" }', 'path = "a"', 'path "a" { capabilities = ["read"] capabilities = ["list"] }',
    '[]', '"x"',
]


def policy_texts(s):
    for number, text in enumerate(POLICY_TEXTS):
        s.group = "policy text " + text.replace("\n", " ")
        s.ask("policy text %d" % number, "PUT", "sys/policies/acl/t%d" % number, {"policy": text})
        s.get("sys/policies/acl/t%d" % number)
        s.delete("sys/policies/acl/t%d" % number)


NAMES = [
    "a", "A", "ab", "a-", "-a", "a.b", ".a", "a..b", "a_b", "a%20b", "a%2Fb", "%C3%BC", "a@b", "a+b", "a:b",
    "x" * 300, "a%2f", "a/", "a//b", "%41", "a%00b", "a%0ab", "a%7fb", "a;b", "a,b", "a*b", "~a", "a?b=c", "a%3Fb",
]
NAMED = ["kv/%s", "sys/policies/acl/%s", "auth/userpass/users/%s", "identity/entity/name/%s", "sys/auth/n/%s",
         "auth/userpass/login/%s", "cubbyhole/%s", "sys/internal/ui/mounts/%s"]
NAMED_BODY = {"policy": 'path "a" { policy = "read" }', "password": "pw", "type": "userpass"}


def names(s):
    for path in NAMED:
        s.group = "odd names in " + path
        for name in NAMES:
            own = path % name
            s.ask("write " + own, "POST", own, NAMED_BODY)
            s.get(own)
            s.list(own)
            s.delete(own)


HEADERS = [
    {"X-Vault-Token": " root "}, {"X-Vault-Token": ""}, {"Authorization": "Bearer root"},
    {"Authorization": "bearer root"}, {"Authorization": "Basic cm9vdA=="}, {"X-Vault-Namespace": "ns"},
    {"X-Vault-Namespace": "root"}, {"X-Vault-Namespace": "/"}, {"X-Vault-MFA": "a"}, {"X-Vault-MFA": "a:"},
    {"X-Vault-MFA": ":b"}, {"X-Vault-MFA": ""}, {"X-Vault-Wrap-TTL": "x"}, {"X-Vault-Wrap-TTL": "-5"},
    {"X-Vault-Wrap-TTL": "0"}, {"X-Vault-Wrap-Format": "nosuch"}, {"X-Vault-Policy-Override": "x"},
    {"X-Vault-No-Request-Forwarding": "true"}, {"X-Vault-Request": "false"}, {"Accept-Encoding": "gzip"},
    {"Content-Type": "text/plain"}, {"X-Vault-Index": "abc"},
]


def headers(s):
    for given in HEADERS:
        s.group = "header %s" % given
        token = None if "Authorization" in given or "X-Vault-Token" in given else "root"
        for method, path in (("GET", "kv/one"), ("GET", "sys/health"), ("POST", "kv/headers")):
            s.ask("%s with %s" % (path, given), method, path, {"a": 1} if method == "POST" else None, token=token,
                  headers=given)
    s.group = "query parameters"
    for query in ("list=true", "list=1", "list=x", "list=false", "list=", "help=0", "a=b&a=c", "token=x", "=", "&&"):
        s.get("kv/?" + query)
        s.get("auth/userpass/users?" + query)
        s.delete("kv/queried?" + query)


    s.group = "fields before rights"
    s.put("auth/userpass/users/zoe", {"password": "pw", "ttl": ["a"]}, token="${weak}")


def lives(s):
    """tokens: uses, children, orphans, limits, revocation"""
    make = "auth/token/create"
    s.put(make, {"policies": ["reader"], "num_uses": 2}, capture={"uses": "$.auth.client_token"})
    for _ in range(3):
        s.get("kv/one", token="${uses}")
    s.put(make, {"policies": ["root"]}, capture={"parent": "$.auth.client_token"})
    s.put(make, {"policies": ["root"]}, token="${parent}", capture={"child": "$.auth.client_token"})
    s.put("auth/token/create-orphan", {"policies": ["reader"]}, token="${parent}",
          capture={"orphan": "$.auth.client_token"})
    s.put(make, {"policies": ["reader"], "type": "batch", "ttl": "1h"}, token="${parent}",
          capture={"batch": "$.auth.client_token"})
    for token in ("child", "orphan", "batch"):
        s.get("auth/token/lookup-self", token="${%s}" % token)
        s.put("auth/token/renew-self", {}, token="${%s}" % token)
        s.put(make, {}, token="${%s}" % token)
    s.put("auth/token/revoke", {"token": "${parent}"})
    for token in ("parent", "child", "orphan", "batch"):
        s.get("auth/token/lookup-self", token="${%s}" % token)
    s.put(make, {"policies": ["reader"], "period": "1h"}, capture={"periodic": "$.auth.client_token"})
    for increment in (None, 10, "10", "2h", -1, "x"):
        s.put("auth/token/renew", {"token": "${periodic}", "increment": increment})
    s.put(make, {"policies": ["reader"], "explicit_max_ttl": "90s", "ttl": "1m"},
          capture={"short": "$.auth.client_token"})
    s.put("auth/token/renew", {"token": "${short}", "increment": "1h"})
    s.put(make, {"policies": ["reader"], "renewable": False}, capture={"stiff": "$.auth.client_token"})
    s.put("auth/token/renew", {"token": "${stiff}"})
    s.put(make, {"id": "chosen", "policies": ["reader"]})
    s.put(make, {"id": "chosen", "policies": ["reader"]})
    s.get("auth/token/lookup-self", token="chosen")
    s.put("auth/token/revoke-self", token="chosen")
    s.get("auth/token/lookup-self", token="chosen")


def lockouts(s):
    """wrong passwords until one is locked out"""
    s.put("auth/userpass/users/dora", {"password": "pw"})
    for name in ("dora", "nobody"):
        for _ in range(7):
            s.put("auth/userpass/login/" + name, {"password": "no"}, token=None)
        s.put("auth/userpass/login/" + name, {"password": "pw"}, token=None)


def people(s):
    """entities and aliases: moves, merges, deletion, tokens of those who are no more"""
    s.put("auth/two/users/eve", {"password": "pw"})
    s.put("auth/two/login/eve", {"password": "pw"}, token=None,
          capture={"eve": "$.auth.client_token", "e": "$.auth.entity_id"})
    s.put("identity/entity/id/${e}", {"policies": ["reader"]})
    s.get("kv/one", token="${eve}")
    s.get("auth/token/lookup-self", token="${eve}")
    s.put("identity/entity/id/${e}", {"disabled": True})
    s.get("kv/one", token="${eve}")
    s.put("auth/two/login/eve", {"password": "pw"}, token=None)
    s.put("identity/entity/id/${e}", {"disabled": False, "name": "eve"})
    s.put("identity/entity", {"name": "eve", "metadata": {"a": "b"}})
    s.put("identity/entity", {"name": "mallory"}, capture={"m": "$.data.id"})
    s.put("identity/entity-alias", {"name": "eve", "mount_accessor": "${two}", "canonical_id": "${m}"})
    s.get("identity/entity/id/${m}")
    s.get("identity/entity/id/${e}")
    s.put("identity/entity/merge", {"from_entity_ids": ["${m}"], "to_entity_id": "${e}"})
    s.put("identity/entity/merge", {"from_entity_ids": ["${m}"], "to_entity_id": "${e}", "force": True})
    s.get("identity/entity/id/${e}")
    s.get("identity/entity/id/${m}")
    s.put("identity/lookup/entity", {"alias_name": "eve", "alias_mount_accessor": "${two}"})
    s.delete("identity/entity/id/${e}")
    s.get("kv/one", token="${eve}")
    s.delete("sys/auth/two")
    s.put("auth/two/login/eve", {"password": "pw"}, token=None)
    s.list("identity/entity-alias/id")


def corners(s):
    """what random requests came upon"""
    s.get("sys/policies/acl/default")
    s.get("sys/mounts/kv/below")
    s.get("sys/auth/two/below")
    for name, before, after in (("order", ["p", "q"], ["q", "p", "default"]), ("other", ["p"], ["q"]),
                                ("capitals", ["P"], ["P"]), ("empty", ["", "p"], ["", "p"])):
        user = "auth/two/users/renewed-" + name
        s.put(user, {"password": "pw", "token_policies": before})
        s.put("auth/two/login/renewed-" + name, {"password": "pw"}, token=None,
              capture={"renewed": "$.auth.client_token"})
        s.put(user, {"token_policies": after})
        s.put("auth/token/renew", {"token": "${renewed}"})
        s.put("auth/token/lookup", {"token": "${renewed}"})
        s.delete(user)


def wraps(s):
    """wrapped answers"""
    with_wrap = {"X-Vault-Wrap-TTL": "60"}
    for method, path, body in (("GET", "kv/one", None), ("GET", "kv/nosuch", None), ("LIST", "kv/", None),
                               ("PUT", "kv/w", {"a": 1}), ("PUT", "auth/token/create", {"policies": ["reader"]}),
                               ("PUT", "sys/wrapping/wrap", {"a": "<&>", "n": 1.50})):
        s.ask("wrapped %s %s" % (method, path), method, path, body, headers=with_wrap,
              capture={"w": "$.wrap_info.token"})
        s.put("sys/wrapping/lookup", {"token": "${w}"})
        s.put("sys/wrapping/rewrap", {"token": "${w}"}, capture={"w": "$.wrap_info.token"})
        s.put("sys/wrapping/unwrap", {"token": "${w}"}, token=None)
        s.put("sys/wrapping/unwrap", {"token": "${w}"})
    s.ask("wrapped for oneself", "GET", "kv/one", headers=with_wrap, capture={"w": "$.wrap_info.token"})
    s.put("sys/wrapping/unwrap", token="${w}")
    s.get("cubbyhole/response", token="${w}")


def lifetime(s):
    """a server's first start: not initialised, initialised, sealed, unsealed"""
    asked = [("GET", "sys/health"), ("HEAD", "sys/health"), ("GET", "sys/seal-status"), ("GET", "sys/init"),
             ("GET", "sys/leader"), ("GET", "sys/mounts"), ("GET", "sys/nosuch"), ("LIST", "sys/policies/acl"),
             ("PUT", "auth/userpass/login/alice"), ("GET", "auth/token/lookup-self"), ("GET", "sys/internal/ui/mounts"),
             ("GET", "sys/health?sealedcode=299&uninitcode=298")]
    keys = ["aa", "", "xyz", "0" * 64, 5, None, [], "A" * 43 + "="]

    def look(token):
        for method, path in asked:
            s.ask(path, method, path, token=token)

    look("${first}")
    for key in keys:
        s.put("sys/unseal", {"key": key}, token=None)
    for body in ({}, {"secret_shares": 0}, {"secret_shares": 1}, {"secret_shares": 1, "secret_threshold": 2},
                 {"secret_shares": "x"}, {"secret_shares": -1, "secret_threshold": -1}):
        s.put("sys/init", body, token=None)
    s.put("sys/init", {"secret_shares": "1", "secret_threshold": "1"}, token=None,
          capture={"key": "$.keys[0]", "key64": "$.keys_base64[0]", "first": "$.root_token"})
    s.put("sys/init", {"secret_shares": 1, "secret_threshold": 1}, token=None)
    look("${first}")
    for key in (*keys, "${key}"):
        s.put("sys/unseal", {"key": key}, token=None)
    s.put("sys/unseal", {"reset": True}, token=None)
    look("${first}")
    look(None)
    for token in (None, "s.bogus", "${first}"):
        s.put("sys/seal", token=token)
    look("${first}")
    s.put("sys/seal", token="${first}")
    s.put("sys/unseal", {"key": "${key64}"}, token=None)
    look("${first}")


PARTS = [setup, decisions, lives, corners, wraps, headers, policy_texts, names, bodies, coercions, matrix, lockouts, people]


def written(parts):
    script = Script()
    for part in parts:
        script.group = part.__doc__ or part.__name__
        part(script)
    return script.steps
