# SPDX-License-Identifier: Apache-2.0
"""hvac, not changed in anything, as a client of the gate."""
import os

import cases
import gate
from servers import CACHE

cases.run("hvac", [os.path.join(CACHE, "clients-python", "bin", "python"), os.path.join(gate.HERE, "judge.py")])
