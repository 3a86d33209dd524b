# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the pip bootstrap script that ansible-test would fetch: uses the pip that comes with Python.

ansible-test runs it as "get_pip.py [options] pip==VERSION ...", in an empty environment.
"""

from __future__ import annotations

import ensurepip
import os
import subprocess
import sys

# What only the fetched script knows, and pip refuses.
_OPTIONS_OF_THE_SCRIPT = ("--no-setuptools", "--no-wheel")


def main() -> None:
    # Taken now: ensurepip removes pip's variables, by which it may be told of an index and of certificates.
    environment = dict(os.environ)
    ensurepip.bootstrap()
    wanted = [word for word in sys.argv[1:] if word not in _OPTIONS_OF_THE_SCRIPT]
    sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", *wanted], env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
