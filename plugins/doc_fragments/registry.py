# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of modules that read from an image registry."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  registry_username:
    description:
      - The user at the registry. Requires O(registry_password).
      - Without it and O(registry_auth_file), the credentials saved by C(skopeo login), C(podman login) or
        C(docker login) are used.
    type: str
  registry_password:
    description:
      - The password or token of O(registry_username). It is given to C(skopeo) in memory, not on its command line.
    type: str
  registry_auth_file:
    description:
      - A file with credentials, as written by C(skopeo login --authfile) or C(docker login), see
        C(containers-auth.json(5)). Its C(credHelpers) are run where the task runs.
    type: path
  registry_tls_verify:
    description:
      - Whether to require HTTPS with a certificate of a trusted CA. V(false) also allows plain HTTP.
    type: bool
    default: true
  registry_cert_dir:
    description:
      - A directory with the CA certificates (C(*.crt)) that sign the registry's, and client certificates
        (C(*.cert) and C(*.key)).
    type: path
  registries_conf:
    description:
      - A file with the mirrors of registries, and with registries that are blocked, see
        C(containers-registries.conf(5)). The default is the configuration of the system.
    type: path
  signature_policy:
    description:
      - A signature policy, see C(containers-policy.json(5)). The default is the policy of the system.
    type: path
"""
