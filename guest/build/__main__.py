# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the bootstrap and print where it is: ``python -m guest.build``."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from guest.build.bootstrap import DEFAULT_CACHE, Build, build
from guest.build.errors import BuildError
from guest.build.kernel import update_lock
from guest.build.lock import LOCK_PATH


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m guest.build", description="Build kernel, initrd and ISO, or take them from the cache."
    )
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="where builds are kept (%(default)s)")
    parser.add_argument("--output", type=Path, help="copy the files and the manifest into this directory too")
    parser.add_argument("--update-lock", action="store_true", help="pin the newest kernel of this distribution")
    options = parser.parse_args(arguments)
    try:
        if options.update_lock:
            for package in update_lock():
                print(f"pinned {package.name} {package.version} in {LOCK_PATH}")
        finished = build(options.cache)
        if options.output is not None:
            _copy(finished, options.output)
    except BuildError as error:
        print(f"guest: {error}", file=sys.stderr)
        return 1
    print(json.dumps({**finished.manifest, "directory": str(finished.iso.parent)}, indent=2))
    return 0


def _copy(finished: Build, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for path in finished.iso.parent.iterdir():
        shutil.copyfile(path, directory / path.name)


if __name__ == "__main__":
    sys.exit(main())
