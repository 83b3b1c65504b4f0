"""Look up the installed packages among published vulnerabilities with pip-audit. The exit status is 1 if some have any.

Where the data can't be reached, or doesn't hold a package, nothing is known: that is said plainly, and is no failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

PATIENCE = 600
"""Seconds for the whole audit."""


def judged(report: dict[str, Any]) -> tuple[int, list[str]]:
    """The exit status, and what to print, of pip-audit's report."""
    audited = [package for package in report["dependencies"] if "vulns" in package]
    left_out = [package["name"] for package in report["dependencies"] if "vulns" not in package]
    found = [
        f"{name} {version}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for name, version, flaws in ((package["name"], package["version"], package["vulns"]) for package in audited)
        for flaw in flaws
    ]
    lines = [*found, f"audit: packages looked up: {len(audited)}, vulnerabilities: {len(found)}"]
    if left_out:
        lines.append(f"NOT AUDITED, because the data hold nothing of them: {len(left_out)}, such as {left_out[0]}")
    return int(bool(found)), lines


def main() -> int:
    """Audit the packages of the running interpreter."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--skip-editable", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603 - no input
        status, lines = judged(json.loads(done.stdout))
    except (subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        told = (error.stderr or b"").decode() if isinstance(error, subprocess.TimeoutExpired) else done.stderr
        last = (told.strip().splitlines() or ["pip-audit said nothing"])[-1]
        status, lines = 0, [f"NOT AUDITED: the data on vulnerabilities can't be reached: {last[:300]}"]
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
