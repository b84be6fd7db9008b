# SPDX-License-Identifier: Apache-2.0
"""exceptions.tsv and docs/compatibility.md say the same: what one has, the other has."""
import sys

import exceptions
from test_replay import Report


def main():
    report = Report(sys.argv[1:])
    excused = {row.id for row in exceptions.rows()}
    documented = exceptions.documented()
    report("every exception stands in docs/compatibility.md with its reason", sorted(excused - set(documented)))
    report("every difference in docs/compatibility.md is one that the judges saw", sorted(set(documented) - excused))
    report("no difference is documented twice", sorted({i for i in documented if documented.count(i) > 1}))
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
