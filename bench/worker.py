"""A web worker of its own: ``python -m bench.worker FOLDER PATH`` asks for a link's page and its cart, then says its size.

The installation was made by another process, because a worker neither migrates nor imports.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.asking import HOST, asker, installed_app


def resident_kilobytes() -> int:
    """What of this process is in memory, as the kernel counts it."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def main(folder: Path, path: str) -> int:
    app = installed_app(folder)
    ask = asker(app)
    cart = ask(path)[2]["Location"].removeprefix(f"https://{HOST}")
    status, page, _ = ask(cart)
    if not status.startswith("200") or len(page) < 8000:
        raise RuntimeError(f"no cart: {status}")
    print(resident_kilobytes(), *sorted(name for name in sys.modules if "." not in name and name in HEAVY))
    return 0


HEAVY = {"alembic", "rich", "click", "structlog", "pydantic", "celery", "requests", "stripe", "mako", "yaml"}

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
