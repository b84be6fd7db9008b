# SPDX-License-Identifier: Apache-2.0
"""Okta's SDK for Go against the simulator."""
import os

import cases
import cases_oauth  # noqa: F401
import cases_factors  # noqa: F401
import cases_users  # noqa: F401
from org import CACHE

cases.run("Go SDK", [os.path.join(CACHE, "okta-sdk-go", "judge")])
