"""Lighthouse on the cart, mobile, by hand: ``python -m tests.pages.lighthouse [ROUNDS] [STATE]``, the median of five.

Fetched with npx at a fixed version. `is-crawlable` is skipped: a shopper's page asks not to be indexed, by design.
"""

from __future__ import annotations

import json
import logging
import os
import statistics
import subprocess
import sys
from typing import Any

from tests.pages.browser import CHROMIUM, serving
from tests.pages.gallery_app import gallery_app

LIGHTHOUSE = "lighthouse@12.8.2"
FLOORS = {"accessibility": 100, "best-practices": 100, "seo": 100, "performance": 98}
AUDITS = ("first-contentful-paint", "largest-contentful-paint", "cumulative-layout-shift", "total-byte-weight")


def look(url: str) -> dict[str, Any]:
    command = [
        "npx", "--yes", LIGHTHOUSE, url, "--quiet", "--output=json", "--skip-audits=is-crawlable",
        "--only-categories=performance,accessibility,best-practices,seo", "--chrome-flags=--headless=new --no-sandbox",
    ]  # fmt: skip
    environment = {**os.environ, "CHROME_PATH": CHROMIUM or ""}
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"lighthouse could not run: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def main(rounds: int, state: str) -> int:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    scores: dict[str, list[float]] = {name: [] for name in FLOORS}
    figures: dict[str, list[float]] = {name: [] for name in AUDITS}
    low: set[str] = set()
    with serving(gallery_app()) as address:
        for _ in range(rounds):
            report = look(f"{address}/en/{state}")
            for name, values in scores.items():
                category = report["categories"][name]
                values.append(round((category["score"] or 0) * 100))
                low |= {ref["id"] for ref in category["auditRefs"] if ref["weight"] and _failed(report, ref["id"])}
            for name, values in figures.items():
                values.append(report["audits"][name]["numericValue"])
    for name, values in scores.items():
        print(f"{name}: median {statistics.median(values):g}, floor {FLOORS[name]}, runs {values}")
    for name, values in figures.items():
        print(f"{name}: median {statistics.median(values):.4g}, largest {max(values):.4g}")
    if low:
        print("below full marks at least once:", ", ".join(sorted(low)))
    return 0 if all(statistics.median(values) >= FLOORS[name] for name, values in scores.items()) else 1


def _failed(report: dict[str, Any], audit: str) -> bool:
    score = report["audits"][audit]["score"]
    return score is not None and score < 1


if __name__ == "__main__":
    raise SystemExit(main(int((sys.argv[1:2] or ["5"])[0]), (sys.argv[2:3] or ["S-1a"])[0]))
