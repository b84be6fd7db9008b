# SPDX-License-Identifier: Apache-2.0
"""Go vault/api, not changed in anything, as a client of the gate."""
import os

import cases
from servers import CACHE

cases.run("Go vault/api", [os.path.join(CACHE, "clients-go", "judge"), "vault"])
