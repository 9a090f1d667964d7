"""``python -m tests.faults --iterations N --seed S --database sqlite|postgresql|both``: the fault harness by hand."""

from __future__ import annotations

import sys

from tests.faults.command import main

sys.exit(main(sys.argv[1:]))
