# SPDX-License-Identifier: Apache-2.0
"""Go openbao/api/v2, not changed in anything, as a client of the gate."""
import os

import cases
from servers import CACHE

cases.run("Go openbao/api/v2", [os.path.join(CACHE, "clients-go", "judge"), "openbao"])
