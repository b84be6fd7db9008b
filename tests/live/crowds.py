# SPDX-License-Identifier: Apache-2.0
"""Thousands of people who are all asked at once: made, waiting, answered; over plain sockets, without a thread each."""
import asyncio
import json
import re
import resource

from basics import read_text
from stepups import HASH, PASSWORD

DOMAIN = "acme.example"
WRITERS = 64  # connections that set people up
METHOD = {"username_format": "{{alias.name}}@" + DOMAIN}  # of the people here


def more_files(count):
    """Raises this process's limit of open files, which what it starts inherits; how many sockets there can be."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(count, hard - 500)


def resident_bytes(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", read_text("/proc/%d/status" % pid)).group(1)) * 1024


class Connection:
    """Keep-alive, one request at a time."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def send(self, method, path, body=None, token=""):
        if not self.writer:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        data = b"" if body is None else json.dumps(body).encode()
        self.writer.write(b"%s /v1/%s HTTP/1.1\r\nHost: gate\r\nX-Vault-Token: %s\r\nContent-Length: %d\r\n\r\n%s" % (
            method.encode(), path.encode(), token.encode(), len(data), data))

    async def answer(self):
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = await self.reader.readexactly(int(length.group(1))) if length else b""
        return int(head[9:12]), body

    async def ask(self, method, path, body=None, token=""):
        await self.send(method, path, body, token)
        return await self.answer()

    def close(self):
        if self.writer:
            self.writer.close()


class Crowd:
    """`count` people of the company, each with a token; `asked`: their reads, which wait."""

    def __init__(self, company, count):
        self.company, self.names = company, ["u%05d" % i for i in range(count)]
        self.tokens, self.connections = {}, {}
        self.loop = asyncio.new_event_loop()

    def run(self, work):
        return self.loop.run_until_complete(work)

    def set_up(self):
        company = self.company
        company.put("secret/crowd", {"a": "b"})
        for at in range(0, len(self.names), 1000):
            company.sim.ask("/_sim/users", [self.account(name) for name in self.names[at:at + 1000]])
        self.run(self.by_many(self.make_one))

    @staticmethod
    def account(name):
        login = "%s@%s" % (name, DOMAIN)
        return {"profile": {"login": login, "email": login, "firstName": name, "lastName": "Crowd"},
                "factors": [{"factorType": "push", "name": "Phone"}], "phone": "ignore"}

    async def by_many(self, work):
        left = iter(self.names)

        async def one():
            connection = Connection(self.company.gate.port)
            for name in left:
                await work(connection, name)
            connection.close()
        await asyncio.gather(*(one() for _ in range(WRITERS)))

    async def make_one(self, connection, name):
        user = {"password_hash": HASH, "token_policies": ["mfa"]}
        status, body = await connection.ask("PUT", "auth/userpass/users/" + name, user, self.company.gate.root)
        assert status == 204, body
        status, body = await connection.ask("PUT", "auth/userpass/login/" + name, {"password": PASSWORD})
        assert status == 200, body
        self.tokens[name] = json.loads(body)["auth"]["client_token"]

    # ---- waiting

    def ask(self):
        """Everybody reads; nobody is answered yet."""
        self.run(self.ask_all())

    async def ask_all(self):
        for name in self.names:
            connection = self.connections[name] = Connection(self.company.gate.port)
            await connection.send("GET", "secret/crowd", token=self.tokens[name])

    def answers(self):
        """Status by name, once all have been answered."""
        async def all_of_them():
            got = await asyncio.gather(*(c.answer() for c in self.connections.values()))
            return {name: status for name, (status, _) in zip(self.connections, got)}
        return self.run(all_of_them())

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.run(asyncio.sleep(0))
        self.loop.close()
