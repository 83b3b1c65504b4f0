"""The audit of CI: it fails by what it finds, and says plainly what it couldn't look up."""

import runpy
import subprocess
import sys
from pathlib import Path

AUDIT = Path(__file__).parents[2] / ".ci/audit.py"
judged = runpy.run_path(str(AUDIT))["judged"]

SOUND = {"name": "numpy", "version": "2.0", "vulns": []}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}
FLAWED = {"name": "old", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1", "2.0"]}]}


def test_sound_packages_pass():
    assert judged({"dependencies": [SOUND]}) == (0, ["audit: packages looked up: 1, vulnerabilities: 0"])


def test_a_vulnerable_package_fails_and_is_named_with_what_mends_it():
    status, lines = judged({"dependencies": [SOUND, FLAWED]})
    assert status == 1
    assert lines[0] == "old 1.0: CVE-1, mended in 1.1, 2.0"


def test_packages_that_the_data_do_not_hold_are_told_and_fail_nothing():
    status, lines = judged({"dependencies": [UNKNOWN]})
    assert status == 0
    assert lines[-1] == "NOT AUDITED, because the data hold nothing of them: 1, such as ours"


def test_without_pip_audit_or_a_connection_that_is_told_and_is_no_failure(tmp_path):
    (tmp_path / "pip_audit.py").write_text("raise SystemExit('api.osv.dev: name or service not known')")
    environment = {"PYTHONPATH": str(tmp_path)}
    told = subprocess.run([sys.executable, AUDIT], capture_output=True, text=True, env=environment, check=False)
    assert told.returncode == 0
    assert told.stdout == (
        "NOT AUDITED: the data on vulnerabilities can't be reached: api.osv.dev: name or service not known\n"
    )
