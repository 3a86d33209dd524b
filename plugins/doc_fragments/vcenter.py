# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that say which vCenter to talk to: for modules, and for other plugins (PLUGIN)."""

from __future__ import annotations

from typing import Any

import yaml

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import connection_argument_spec


def _with_environment(text: str, prefix: str = "") -> str:
    """Return the documentation for a plugin: Ansible reads its variables, by ``env``; a module reads them by itself.

    With a prefix, options are variables of hosts, too: those with the prefix before the option's name.
    """
    document: dict[str, Any] = yaml.safe_load(text)
    del document["notes"]
    for name, option in connection_argument_spec().items():
        if "fallback" in option:
            document["options"][name]["env"] = [{"name": variable} for variable in option["fallback"][1]]
        if prefix:
            document["options"][name]["vars"] = [{"name": prefix + name}]
    return yaml.safe_dump(document, sort_keys=False)


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  hostname:
    description:
      - The vCenter, as a DNS name or an address.
      - A URL such as V(https://vcenter.example.com:8443/sdk) is accepted too, since AWX credentials may contain one.
      - If it is not given, the environment variable E(VMWARE_HOST) is used.
    type: str
    required: true
  username:
    description:
      - The user, usually with a domain, as V(administrator@vsphere.local).
      - If it is not given, the environment variable E(VMWARE_USER) is used.
    type: str
    required: true
  password:
    description:
      - The user's password.
      - If it is not given, the environment variable E(VMWARE_PASSWORD) is used.
    type: str
    required: true
    aliases: [pass, pwd]
  port:
    description:
      - The HTTPS port of vCenter.
      - If it is not given, the environment variable E(VMWARE_PORT) is used.
    type: int
    default: 443
  validate_certs:
    description:
      - Whether vCenter's certificate must be signed by a trusted CA and match its host name.
      - Otherwise a man in the middle can read the password.
      - If it is not given, the environment variable E(VMWARE_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A file of PEM certificates, or a directory of them named by their hashes. Only the CAs in there are trusted.
      - The certificate of vCenter itself is trusted, too, if it is in there.
      - By default the CAs that the system trusts are used. vCenter offers its own CA at C(/certs/download.zip).
      - If it is not given, the environment variable E(VMWARE_CA_PATH) is used.
    type: path
  proxy_host:
    description:
      - The HTTP proxy for all connections to vCenter. Requires O(proxy_port).
      - If it is not given, the environment variable E(VMWARE_PROXY_HOST) is used. Other proxy variables are ignored.
    type: str
  proxy_port:
    description:
      - The port of O(proxy_host).
      - If it is not given, the environment variable E(VMWARE_PROXY_PORT) is used.
    type: int
  connect_timeout:
    description:
      - The timeout in seconds for connecting to vCenter.
    type: float
    default: 10.0
  request_timeout:
    description:
      - The timeout in seconds for the response to one request. It does not limit how long a task in vCenter runs, nor
        how long an ESXi host writes an uploaded disk, for which there are 30 minutes.
    type: float
    default: 120.0
requirements:
  - python >= 3.10
  - pyVmomi >= 8.0.3.0.1
notes:
  - On a local connection without C(become) and C(async), the module's code runs inside Ansible's own worker process.
    A loop then uses one session with vCenter, and its cookie is kept for the next task, readable only by the user
    who runs Ansible, below C(~/.cache/gantry.vsphere). A password is never written, and a session is never resumed
    with a password other than the one it was opened with.
    The variable C(gantry_session_cache), set to V(false), keeps nothing on disk.
    The variable C(gantry_run_as_module), set to V(true), runs a process for each task as with other modules.
  - Elsewhere pyVmomi must be installed where the task runs, and each task logs in and out.
"""

    # For plugins that are not modules: gantry.vsphere.vcenter.plugin. Its type is given because ansible-test takes what
    # is assigned without one for a literal.
    PLUGIN: str = _with_environment(DOCUMENTATION)
    # For connection plugins: gantry.vsphere.vcenter.connection.
    CONNECTION: str = _with_environment(DOCUMENTATION, "ansible_gantry_")
