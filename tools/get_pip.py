# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the pip bootstrap script that ansible-test would download: uses the pip that comes with Python.

ansible-test runs it as "get_pip.py [options] pip==VERSION ...", in an empty environment.
"""

from __future__ import annotations

import ensurepip
import os
import subprocess
import sys

# Options of the downloaded script that pip refuses.
_OPTIONS_OF_THE_SCRIPT = ("--no-setuptools", "--no-wheel")


def main() -> None:
    # Copied before ensurepip removes pip's variables, which may configure an index and certificates.
    environment = dict(os.environ)
    ensurepip.bootstrap()
    wanted = [word for word in sys.argv[1:] if word not in _OPTIONS_OF_THE_SCRIPT]
    sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", *wanted], env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
