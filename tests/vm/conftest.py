# SPDX-License-Identifier: Apache-2.0
"""What needs Debian's kernel, for `make vmtest`; elsewhere nothing here is collected."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "kernel"))
collect_ignore_glob = [] if "RW_VM" in os.environ else ["test_*.py"]
