# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the layers of Debian packages: one base for all images, and one more for each program."""

from __future__ import annotations

from lab.images.debian import DebianRoot
from lab.images.layer import Blob, Layer

_GROUPS = {
    "nfs": frozenset("libdbus-1-3 libnfsidmap1 libntirpc4.3 liburcu8 libwbclient0 nfs-ganesha nfs-ganesha-vfs".split()),
    "nginx": frozenset({"nginx", "nginx-common"}),
    "redis": frozenset({"redis-server", "redis-tools", "libatomic1", "libjemalloc2", "liblua5.1-0", "liblzf1"}),
    "postgres": frozenset(
        (
            "libedit2 libffi8 libgnutls30 libhogweed6 libicu72 libidn2-0 libldap-2.5-0 libnettle8 libp11-kit0 libpq5"
            " libreadline8 libsasl2-2 libtasn1-6 libunistring2 libxml2 libxslt1.1 postgresql-15 postgresql-client-15"
            " readline-common tzdata"
        ).split()
    ),
    # What only the installation of packages needs, and management outside of containers. No image has it.
    "unused": frozenset(
        (
            "dbus dbus-bin dbus-daemon dbus-session-bus-common dbus-system-bus-common dmsetup keyutils libapparmor1"
            " libc-l10n libdevmapper1.02.1 libevent-core-2.1-7 libexpat1 libncursesw6 libnsl2 libpython3-stdlib"
            " libpython3.11-minimal libpython3.11-stdlib libsqlite3-0 libwrap0 media-types nfs-common python3"
            " python3-minimal python3.11 python3.11-minimal rpcbind"
            " libgdbm-compat4 libgdbm6 libjson-perl libllvm14 libperl5.36 libsasl2-modules-db libz3-4 locales"
            " netbase openssl perl perl-modules-5.36 postgresql-client-common postgresql-common sensible-utils ssl-cert"
            " ucf"
        ).split()
    ),
}


def base(root: DebianRoot) -> Blob:
    """Return the layer that all images share."""
    layer = Layer()
    layer.copy(root, root.of(_GROUPS, ""))
    return layer.finish()


def packages(root: DebianRoot, program: str) -> Blob:
    """Return the layer with the packages of a program."""
    layer = Layer()
    layer.copy(root, root.of(_GROUPS, program))
    return layer.finish()
