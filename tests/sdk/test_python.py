# SPDX-License-Identifier: Apache-2.0
"""Okta's SDK for Python against the simulator."""
import os

import cases
import cases_oauth  # noqa: F401
import cases_factors  # noqa: F401
import cases_users  # noqa: F401
from org import CACHE, HERE

cases.run("Python SDK", [os.path.join(CACHE, "okta-sdk-python", "bin", "python"), os.path.join(HERE, "judge.py")])
