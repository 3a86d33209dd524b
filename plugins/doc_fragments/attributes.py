# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the attributes of the modules."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/gantry.vsphere.all) in C(module_defaults) to set the connection's options once.
    support: full
    membership:
      - gantry.vsphere.all
  check_mode:
    description: Can run in check mode and report what would change without changing it.
    support: full
  diff_mode:
    description: Returns what has changed, or would change in check mode, when in diff mode.
    support: full
  platform:
    description: The platforms that the module runs on. Of the operating system it needs only Python.
    support: full
    platforms: posix
"""

    # For modules that run a program, instead of the above.
    PROGRAM = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/gantry.vsphere.all) in C(module_defaults) to set the connection's options once.
    support: full
    membership:
      - gantry.vsphere.all
  check_mode:
    description: Can run in check mode.
    details: The options are validated, and the task is skipped, because it is not known what a program would do.
    support: partial
  diff_mode:
    description: Has nothing to compare, because it is not known what a program does.
    support: none
  platform:
    description: The platforms that the module runs on. Of the operating system it needs only Python.
    support: full
    platforms: posix
"""

    # For info modules, instead of the above.
    INFO_MODULE = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/gantry.vsphere.all) in C(module_defaults) to set the connection's options once.
    support: full
    membership:
      - gantry.vsphere.all
  check_mode:
    description: Can run in check mode. It changes nothing in any mode.
    support: full
  diff_mode:
    description: Has nothing to compare, because it changes nothing.
    support: N/A
  platform:
    description: The platforms that the module runs on. Of the operating system it needs only Python.
    support: full
    platforms: posix
"""
