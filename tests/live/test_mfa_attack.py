# SPDX-License-Identifier: Apache-2.0
"""An attacker with a valid token: thousands of requests, many at once and one after the other, over one session and
over many, over a gate that is killed in between, cause no more pushes than the guard allows, and never two at once.
REQUESTS says how many, CONNECTIONS over how many connections."""
import asyncio
import os

from harness import main, test, wait_until
from stepups import StepUps

REQUESTS = int(os.environ.get("REQUESTS", "10000"))
CONNECTIONS = int(os.environ.get("CONNECTIONS", "200"))
MAX_PUSHES = 4
REFUSED = b"permission denied"


class Attack:
    """Sends requests until there were so many answers, whatever becomes of the gate."""

    def __init__(self, company, path, tokens, requests, connections, methods=("GET",)):
        self.company, self.left, self.connections = company, requests, connections
        self.requests = [self.bytes_of(method, path, token) for token in tokens for method in methods]
        self.answers, self.broken, self.passed = 0, 0, []

    @staticmethod
    def bytes_of(method, path, token):
        body = b'{"a":"b"}' if method == "PUT" else b""
        return b"%s /v1/%s HTTP/1.1\r\nHost: gate\r\nX-Vault-Token: %s\r\nContent-Length: %d\r\n\r\n%s" % (
            method.encode(), path.encode(), token.encode(), len(body), body)

    async def read_answer(self, reader):
        head = await reader.readuntil(b"\r\n\r\n")
        at = head.lower().index(b"content-length:")
        length = int(head[at + 15:].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        self.answers += 1
        if not head.startswith(b"HTTP/1.1 403") or REFUSED not in body:
            self.passed.append((head[:40], body[:200]))

    async def one_connection(self, number):
        writer = None
        while self.left > 0:
            self.left -= 1
            try:
                if not writer:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.company.gate.port)
                writer.write(self.requests[(number + self.left) % len(self.requests)])
                await self.read_answer(reader)
            except (OSError, asyncio.IncompleteReadError):
                self.left += 1  # killed: it has not been answered
                self.broken += 1
                writer = None
                await asyncio.sleep(0.05)  # until the gate is there again
        if writer:
            writer.close()

    async def run_all(self, meanwhile):
        workers = [self.one_connection(i) for i in range(self.connections)]
        await asyncio.gather(meanwhile(self), *workers)

    def run(self, meanwhile=None):
        async def nothing(_):
            pass
        asyncio.run(self.run_all(meanwhile or nothing))
        assert not self.passed, self.passed[:3]


def assert_allowed(company, person, at_least=1):
    counts = company.counts(person)
    assert at_least <= counts["pushes"] <= MAX_PUSHES, counts
    assert counts["verify"]["asked"] <= MAX_PUSHES, counts
    assert counts["overlapping"] == 0, counts


def attacked(place, phone="ignore", **more):
    # A phone that nobody looks at lets the most pushes through: a denial would make a pause.
    company = StepUps(place, mfa={"wait": "2s"}, guard={"max_pushes": MAX_PUSHES}, **more)
    ann = company.person("ann", phone=phone)
    return company, ann


@test
def in_parallel_with_one_token(place):
    company, ann = attacked(place)
    Attack(company, ann.path, [ann.token], REQUESTS, CONNECTIONS).run()
    assert_allowed(company, ann)


@test
def over_many_sessions_of_one_person_reading_and_writing(place):
    company, ann = attacked(place)
    tokens = [company.token_of(ann) for _ in range(20)]
    Attack(company, ann.path, tokens, REQUESTS, CONNECTIONS, ("GET", "PUT", "LIST", "DELETE")).run()
    assert_allowed(company, ann)


@test
def in_series_until_the_guard_has_let_through_what_it_may(place):
    company, ann = attacked(place)
    while company.pushes(ann) < MAX_PUSHES:
        Attack(company, ann.path, [ann.token], 100, 1).run()
    Attack(company, ann.path, [ann.token], REQUESTS // 10, 1).run()
    Attack(company, ann.path, [company.token_of(ann)], REQUESTS // 10, CONNECTIONS).run()
    assert_allowed(company, ann, MAX_PUSHES)


@test
def with_several_entities_that_lead_to_one_phone(place):
    company, ann = attacked(place)
    others = [company.person("eve%d" % i) for i in range(5)]
    for other in others:
        company.put("identity/entity/id/" + other.entity, {"metadata": {"email": ann.login}})
    tokens = [ann.token] + [other.token for other in others]
    Attack(company, ann.path, tokens, REQUESTS, CONNECTIONS).run()
    while company.pushes(ann) < MAX_PUSHES:
        Attack(company, ann.path, tokens, 100, 10).run()
    Attack(company, ann.path, tokens, 500, 50).run()
    assert_allowed(company, ann, MAX_PUSHES)


@test
def with_one_entity_that_leads_to_several_phones(place):
    company, ann = attacked(place)
    victims = [company.person("victim%d" % i) for i in range(6)]
    for victim in victims:
        company.put("identity/entity/id/" + ann.entity, {"metadata": {"email": victim.login}})
        Attack(company, ann.path, [ann.token], 20, 20).run()
    assert sum(company.pushes(victim) for victim in victims) <= MAX_PUSHES


@test
def with_two_names_for_one_phone(place):
    company, ann = attacked(place, method={"username_format": "{{entity.metadata.login}}"})
    email = "other.name@acme.example"
    company.add(ann.login, email=email)
    company.method("by_email", primary_email=True, username_format="{{entity.metadata.email}}")
    company.put("identity/entity/id/" + ann.entity, {"metadata": {"login": ann.login, "email": email}})
    company.put("sys/policies/acl/more", {"policy": 'path "secret/mail" { capabilities = ["read"]\n'
                                                    'mfa_methods = ["by_email"] }'})
    company.put("identity/entity/id/" + ann.entity, {"policies": "mfa,more"})
    company.put("secret/mail", {"a": "b"})
    attacks = [Attack(company, path, [ann.token], REQUESTS // 2, CONNECTIONS // 2)
               for path in (ann.path, "secret/mail")]

    async def both():
        async def nothing(_):
            pass
        await asyncio.gather(*(attack.run_all(nothing) for attack in attacks))
    asyncio.run(both())
    assert not attacks[0].passed and not attacks[1].passed, (attacks[0].passed[:3], attacks[1].passed[:3])
    assert_allowed(company, ann)


@test
def by_hanging_up_again_and_again(place):
    company, ann = attacked(place)
    for _ in range(REQUESTS // 100):
        asked = [company.ask(ann) for _ in range(10)]
        for request in asked:
            request.hang_up()
    assert_allowed(company, ann, 0)
    # Whoever hangs up between the guard's word and the push has used up a push that never left.
    while not (known := company.guard(ann)) or known["push"]["rule"] != "user_rate":
        asked = company.ask(ann)
        before = company.pushes(ann)
        wait_until(lambda: asked.is_answered() or company.pushes(ann) > before, "a push or a refusal")
        asked.hang_up()
    for _ in range(20):
        company.refused(ann)
    assert_allowed(company, ann, 0)


@test
def with_a_gate_that_is_killed_again_and_again(place):
    company, ann = attacked(place)
    company.sim.set(push_life="3s")
    tokens = [company.token_of(ann) for _ in range(5)]

    async def kill(attack):
        for part in (1, 2, 3):
            while attack.answers < REQUESTS * part // 4:
                await asyncio.sleep(0.02)
            company.gate.kill()
            await asyncio.get_running_loop().run_in_executor(None, company.gate.start)

    attack = Attack(company, ann.path, tokens, REQUESTS, CONNECTIONS)
    attack.run(kill)
    assert attack.broken >= 3, "nothing was killed"
    assert_allowed(company, ann)


@test
def with_numbers_asked_for_and_not_come_back_for(place):
    company, ann = attacked(place)
    asked = [company.ask(ann, mfa="my_okta:number") for _ in range(50)]
    assert {request.answer()[0] for request in asked} == {403}
    assert_allowed(company, ann)


if __name__ == "__main__":
    main(jobs=2)
