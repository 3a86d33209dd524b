# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse certificates in PEM, which a container gets in its configuration to verify a server by. Pure."""

from __future__ import annotations

import re
import ssl

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

_MARK = "-----BEGIN "
_HEAD, _END = f"{_MARK}CERTIFICATE-----\n", "\n-----END CERTIFICATE-----\n"
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


def is_pem(text: str) -> bool:
    """Return whether a text is meant as PEM, and not as the path of a file."""
    return _MARK in text


def parse_certificates(text: str, where: str) -> str:
    """Return the certificates alone, all in the same form. No message shows what a text has."""
    if "PRIVATE KEY-----" in text:
        raise GantryError(
            f"{where} has a private key, and the configuration of a container can be read in vCenter. Give "
            "certificates only."
        )
    certificates = [f"{_HEAD}{_lines(body)}{_END}" for body in _BLOCK.findall(text)]
    if not certificates or len(certificates) != text.count(_MARK):
        raise GantryError(f"{where} is not a text of certificates in PEM. Give those of the CA, and nothing else.")
    for number, certificate in enumerate(certificates, start=1):
        if not _is_valid(certificate):
            raise GantryError(
                f"Certificate {number} of {len(certificates)} of {where} is not valid. Give the certificates of the CA."
            )
    return "".join(certificates)


def _is_valid(certificate: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificate)
    except ssl.SSLError:
        return False
    return True


def _lines(body: str) -> str:
    return "\n".join(body.split())
