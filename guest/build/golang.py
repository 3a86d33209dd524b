# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build init and the program for TLS: static, and reproducible with the same version of Go."""

from __future__ import annotations

from pathlib import Path

from guest.build.run import run

SOURCE = Path(__file__).resolve().parent.parent


def go_version() -> str:
    """Return the version of the toolchain, which is an input of the build."""
    return run(["go", "env", "GOVERSION"], cwd=SOURCE, env=environment()).strip()


def build_init(output: Path, version: str) -> None:
    """Compile cmd/init."""
    _build(output, "./cmd/init", f" -X main.version={version}")


def build_tls(output: Path) -> None:
    """Compile cmd/syslogtls, which init starts if the output is sent by TLS."""
    _build(output, "./cmd/syslogtls")


def _build(output: Path, command: str, flags: str = "") -> None:
    flags = f"-s -w -buildid={flags}"
    run(
        ["go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", flags, "-o", output, command],
        cwd=SOURCE,
        env=environment(),
    )


def environment() -> dict[str, str]:
    """Return the variables that make a build independent of the user's settings."""
    # GOFLAGS, GOEXPERIMENT and the like of the user's would change the program.
    return {
        "CGO_ENABLED": "0",
        "GOOS": "linux",
        "GOARCH": "amd64",
        "GOAMD64": "v1",
        "GOEXPERIMENT": "",
        "GOFLAGS": "",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
