# SPDX-License-Identifier: Apache-2.0
"""Thousands of challenges that wait at once: little memory each, nobody forgotten, the org's budget kept. WAITING says
how many."""
import os

from crowds import METHOD, Crowd, more_files, resident_bytes
from harness import alone, is_sanitized, main, remark, wait_until
from stepups import StepUps

WAITING = int(os.environ.get("WAITING", "2000" if is_sanitized() else "10000"))
# What one adds. The goal of 64 MB for all cannot be had: the HTTP library alone touches 5 KB of a connection.
MAX_BYTES_EACH = 16 << 10
PATIENCE = 150


def crowded(place, count, **more):
    count = more_files(count)
    company = StepUps(place, method=METHOD, sim_args=("--token-share", "100"), **more)
    crowd = Crowd(company, count)
    crowd.set_up()
    return company, crowd


@alone
def ten_thousand_wait_in_little_memory_and_each_is_asked_for_in_turn(place):
    company, crowd = crowded(place, WAITING, mfa={"wait": "5m", "poll_interval": "4s"}, guard={"brake": 1})
    sim = company.sim
    # Less than polls of everybody every 4 seconds would need: the budget decides how often.
    sim.set(factors_rate_limit=WAITING * 6, push_life="1h")
    sim.ask("/_sim/reset", {})
    idle = resident_bytes(company.gate.process.pid)
    crowd.ask()
    wait_until(lambda: company.waiting() == len(crowd.names), "everybody's push", PATIENCE)
    polls = company.polls_of_all()
    enough = sum(polls.values()) + 2 * len(crowd.names)
    wait_until(lambda: company.total_polls() >= enough, "two rounds of polls", PATIENCE)
    memory = resident_bytes(company.gate.process.pid)
    rounds = {name: n - polls[name] for name, n in company.polls_of_all().items()}
    least, most = min(rounds.values()), max(rounds.values())
    remark("%d waiting: %.1f MB (%.1f before), %d to %d polls each" % (
        len(crowd.names), memory / 2**20, idle / 2**20, least, most))
    assert least >= 1 and most <= 2 * least + 2, (least, most)
    if not is_sanitized():
        assert memory - idle < MAX_BYTES_EACH * len(crowd.names), "%.1f MB" % (memory / 2**20)
    company.answer_all("approve")
    answers = crowd.answers()
    assert set(answers.values()) == {200}, {n: s for n, s in answers.items() if s != 200}
    stats = sim.stats()
    assert stats["throttled"] == {"rate": 0, "concurrency": 0}, stats["throttled"]
    assert company.total_pushes() == len(crowd.names)
    crowd.close()


@alone
def a_crowd_beyond_what_may_wait_is_refused_and_the_rest_goes_on(place):
    company, crowd = crowded(place, 300, mfa={"wait": "60s", "max_waiting": 200}, guard={"brake": 1})
    crowd.ask()
    wait_until(lambda: company.waiting() == 200, "as many pushes as may be")
    company.answer_all("approve")
    answers = list(crowd.answers().values())
    assert (answers.count(200), answers.count(403)) == (200, 100), answers
    assert company.total_pushes() == 200
    crowd.close()


if __name__ == "__main__":
    main()
