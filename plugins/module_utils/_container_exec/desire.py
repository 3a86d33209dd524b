# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert a task's options to the program to run. Pure; invalid options are refused here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_parsers import (
    number_from,
    parse_absolute,
    parse_env,
    parse_program,
    refuse_nul,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import DesiredExec
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import parse_guest_key
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.programs import exec_arguments


def desire_exec(params: Mapping[str, Any]) -> DesiredExec:
    """Return the program to run."""
    refuse_nul({option: params[option] for option in ("argv", "command", "chdir", "user", "env")})
    given = "command" if params["argv"] is None else "argv"
    argv = parse_program(params[given], given)
    chdir, stdin = parse_absolute(params["chdir"], "chdir"), params["stdin"]
    if stdin is not None and params["stdin_add_newline"]:
        stdin += "\n"
    timeout = number_from(0, "timeout")(params["timeout"], params)
    return DesiredExec(
        name=params["name"],
        program=argv[0],
        arguments=exec_arguments(
            argv,
            user=params["user"],
            env=parse_env(params["env"], params),
            working_dir=chdir,
            stdin=stdin,
            timeout=timeout,
        ),
        timeout=timeout,
        detach=params["detach"],
        strip_empty_ends=params["strip_empty_ends"],
        guest_key=parse_guest_key(params["guest_key"]),
        datacenter=params["datacenter"],
        folder=params["folder"],
    )
