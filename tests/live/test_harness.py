# SPDX-License-Identifier: Apache-2.0
"""What the other tests take for granted of their harness."""
import contextlib
import io
import threading
import time

from harness import main, remark, test

LINES = 200


class Stepwise(io.StringIO):
    """Lets other threads go between any two writes."""

    def write(self, text):
        super().write(text)
        time.sleep(0)


@test
def what_tests_say_side_by_side_stays_in_lines_of_their_own(place):
    def speak(name):
        for i in range(LINES):
            remark("%s %d" % (name, i))

    names = ["first", "second", "third"]
    with contextlib.redirect_stdout(Stepwise()) as said:
        threads = [threading.Thread(target=speak, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(said.getvalue().splitlines()) == sorted("# %s %d" % (n, i) for n in names for i in range(LINES))


if __name__ == "__main__":
    main()
