# SPDX-License-Identifier: Apache-2.0
"""Okta's SDK for Node against the simulator."""
import os

import cases
import cases_oauth  # noqa: F401
import cases_factors  # noqa: F401
import cases_users  # noqa: F401
from org import HERE

cases.run("Node SDK", ["node", os.path.join(HERE, "judge.js")])
