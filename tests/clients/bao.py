# SPDX-License-Identifier: Apache-2.0
"""The `bao` command, not changed in anything, for the tests that drive the gate by it."""
import json
import subprocess

import gate  # noqa: F401  first: it finds the other folders
import servers
from basics import PATIENCE
from gate import POLICY


class Bao:
    """The command with an address and a token; HOME is the test's, so that `login` stores there."""

    def __init__(self, place, server, token=servers.ROOT):
        self.place, self.server = place, server
        self.env = servers.clean_env(place.root, BAO_ADDR=server.address, **({"BAO_TOKEN": token} if token else {}))

    def run(self, *args, stdin=None):
        done = subprocess.run([servers.OPENBAO, *args], input=stdin, stdin=None if stdin else subprocess.DEVNULL,
                              capture_output=True, text=True, env=self.env, cwd=self.place.root, timeout=PATIENCE)
        self.shown = "$ bao %s\n%s%s(status %d)" % (" ".join(args), done.stdout, done.stderr, done.returncode)
        return done

    def begin(self, *args):
        """The same, but it goes on meanwhile; see end()."""
        self.shown = "$ bao %s\n" % " ".join(args)
        process = subprocess.Popen([servers.OPENBAO, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=self.env, cwd=self.place.root)
        process.log_path = None
        self.place.processes.append(process)
        return process

    def end(self, process):
        """Its status, output and errors."""
        out, err = process.communicate(timeout=PATIENCE * 2)
        self.shown += "%s%s(status %d)" % (out, err, process.returncode)
        return process.returncode, out, err

    def __call__(self, *args, stdin=None):
        """What it prints; it must succeed."""
        done = self.run(*args, stdin=stdin)
        assert done.returncode == 0, self.shown
        return done.stdout.rstrip("\n")

    def json(self, verb, *args):
        return json.loads(self(verb, "-format=json", *args))

    def fails(self, *args, status=2, text=""):
        done = self.run(*args)
        assert done.returncode == status and text in done.stderr, self.shown

    def rows(self, *args):
        """The table that it prints, without its head: {first column: the rest}."""
        lines = self(*args).splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith("---"))
        return {line.split()[0]: " ".join(line.split()[1:]) for line in lines[at + 1:] if line.split()}


def with_user(bao):
    bao("auth", "enable", "userpass")
    bao("policy", "write", "users", bao.place.write("users.hcl", POLICY))
    bao("write", "auth/userpass/users/alice", "password=correct horse", "token_policies=users")
    return auths(bao)["userpass/"]["accessor"]


def auths(bao):
    return json.loads(bao("auth", "list", "-format=json"))
