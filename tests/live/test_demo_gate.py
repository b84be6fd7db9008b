# SPDX-License-Identifier: Apache-2.0
"""The demo of the gate, which checks every step that it shows: it tells the whole story, and leaves nothing behind."""
import os
import signal
import subprocess

from harness import BARE_ENV, GATEHOUSE, main, test, wait_until

DEMO = os.path.join(os.environ["GATEHOUSE_SOURCE"], "tools", "demo-gate")


def start(place, *words, stdin=subprocess.DEVNULL):
    env = dict(BARE_ENV, BUILD=os.path.dirname(GATEHOUSE), TMPDIR=place.root)
    with open(place.path("out"), "wb") as out:
        p = subprocess.Popen([DEMO, *words], stdin=stdin, stdout=out, stderr=out, env=env)
    p.log_path = place.path("out")
    place.processes.append(p)
    return p


def output(place):
    with open(place.path("out"), encoding="utf-8") as f:
        return f.read()


@test
def the_demo_of_the_gate_is_as_it_says(place):
    p = start(place)
    assert p.wait(240) == 0, output(place)
    assert output(place).splitlines()[-1].startswith("==> Done: "), output(place)
    assert os.listdir(place.root) == ["out"]


@test
def a_person_can_tap_by_hand(place):
    p = start(place, "--by-hand", stdin=subprocess.PIPE)
    for count in (1, 2, 3, 4):
        wait_until(lambda: output(place).count("you are alice: tap ") >= count or p.poll() is not None, "a question")
        assert p.poll() is None, output(place)
        told = output(place).split("you are alice: tap ")[-1].split()[0]
        p.stdin.write(b"something else\n" if count == 1 else told.encode() + b"\n")  # who slips is asked again
        p.stdin.flush()
    p.stdin.close()
    assert p.wait(240) == 0, output(place)


@test
def the_demo_cleans_up_when_it_is_ended(place):
    p = start(place)
    wait_until(lambda: "it listens at" in output(place) or p.poll() is not None, "the simulator")
    p.send_signal(signal.SIGTERM)
    assert p.wait(60) != 0
    assert os.listdir(place.root) == ["out"]


if __name__ == "__main__":
    main()
