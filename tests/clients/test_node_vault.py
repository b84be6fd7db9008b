# SPDX-License-Identifier: Apache-2.0
"""node-vault, not changed in anything, as a client of the gate."""
import os

import cases
import gate

cases.run("node-vault", ["node", os.path.join(gate.HERE, "judge.js")])
