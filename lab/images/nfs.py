# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the image "nfs", an NFS 4 server that exports /srv.

It is NFS-Ganesha, which needs no NFS server in the kernel. The program is Debian's. A container of the image requires
the capability DAC_READ_SEARCH, since the server opens files by their handles.
"""

from __future__ import annotations

from lab.images import debian_images
from lab.images.debian import DebianRoot
from lab.images.layer import Blob, Layer
from lab.images.layout import Image

_CONFIG_FILE = "etc/ganesha/ganesha.conf"
_EXPORTED = "srv"
# Without clients of an earlier start, there is no grace period to wait for.
_CONFIG = f"""NFS_CORE_PARAM {{
    Protocols = 4;
    Enable_NLM = false;
    Enable_RQUOTA = false;
}}
NFSV4 {{
    Graceless = true;
}}
EXPORT {{
    Export_Id = 1;
    Path = /{_EXPORTED};
    Pseudo = /{_EXPORTED};
    Access_Type = RW;
    Squash = No_Root_Squash;
    SecType = sys;
    FSAL {{
        Name = VFS;
    }}
}}
"""


def build(root: DebianRoot, base: Blob) -> Image:
    """Return the image."""
    config = {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Cmd": ["ganesha.nfsd", "-F", "-L", "/dev/stderr", "-f", f"/{_CONFIG_FILE}"],
        "ExposedPorts": {"2049/tcp": {}},
        "Labels": {"org.opencontainers.image.title": "nfs"},
    }
    return Image([base, debian_images.packages(root, "nfs"), _setup()], config)


def _setup() -> Blob:
    layer = Layer()
    layer.file(_CONFIG_FILE, _CONFIG)
    # It looks there for the file system of a directory.
    layer.symlink("etc/mtab", "/proc/self/mounts")
    for directory in (_EXPORTED, "run/ganesha", "var/lib/nfs/ganesha"):
        layer.directory(directory)
    return layer.finish()
