# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of docker_container that containers here do not have, each with the reason and what to do instead.

They are refused by name, before anything is read or changed. They are not in the argument spec, and so not in the
documentation of the modules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

_REMOVE = "Remove the option."
_NO_HOST = "The container is a virtual machine with a kernel of its own, so it shares nothing of a host."
_NO_DAEMON = "There is no Docker daemon that the option could apply to."
_CAPABILITIES = "Give what the program needs with capabilities."
_NO_DEVICES = "The container has no access to devices of a host, and its virtual machine has no others."
_CPU_SCHEDULER = "The CPU time of a container is that of its virtual machine, which vSphere schedules."
_CPU_REMEDY = "Give cpus, cpu_limit, cpu_reservation or cpu_shares."
_DISK_SCHEDULER = "The storage bandwidth of a container is that of its virtual disks, which vSphere controls."
_DISK_REMEDY = "Set limits of virtual disks by a storage policy of the datastore."
_MEMORY = "The memory of a container is that of its virtual machine, which has no swap space."
_MEMORY_REMEDY = "Give memory and memory_reservation."
_OOM = "The guest keeps its init alive and kills processes of the container if memory runs out."
_OOM_REMEDY = "Give enough memory."
_IMAGES = (
    "Containers are created from images that container_image has imported, so that who may create containers need not "
    "be permitted to import images, and a reference is looked up once for all containers."
)
_IMAGES_REMEDY = "Run container_image before, with pull: missing or pull: always, and remove the option."
_REACHABLE = "A container has an address of its own, at which every port that it listens to can be reached."
_REACHABLE_REMEDY = "Remove the option, or list the ports with published_ports."
_TERMINAL = "A container has no terminal and no input."
_TERMINAL_REMEDY = "Remove the option, and run commands with container_vm_exec, which has stdin."
_IMAGE_COMPARISON = "The digest of an image is compared, and not its name or its labels."
_IMAGE_COMPARISON_REMEDY = "Give image in comparisons, with strict or ignore."
_VOLUMES = (
    "A container has no anonymous volumes. What an image declares with VOLUME is in the writable layer, which is "
    "removed with the container, and named volumes are always kept."
)
_DEFAULTS = "Options always have the defaults of the documentation."
_STARTS = "A container runs on its own, and the task does not wait for its end."
_STARTS_REMEDY = "Read the exit code with container_vm_info and the log with container_vm_logs."
_NAMES = "Containers find each other by DNS of their networks or by addresses."
_NAMES_REMEDY = "Give names with etc_hosts."

_TABLE: tuple[tuple[str, str, str], ...] = (
    ("privileged", _NO_HOST, _CAPABILITIES),
    ("security_opts", _NO_HOST, "Choose privileges with capabilities and cap_drop."),
    ("cgroupns_mode cgroup_parent ipc_mode pid_mode userns_mode uts", _NO_HOST, _REMOVE),
    ("network_mode", _NO_HOST, "Choose port groups with networks. An empty list means no network."),
    ("networks_cli_compatible", _DEFAULTS, "Give networks, or an empty list for none."),
    ("container_default_behavior command_handling", _DEFAULTS, _REMOVE),
    ("devices device_cgroup_rules device_requests", _NO_DEVICES, _REMOVE),
    ("blkio_weight device_read_bps device_read_iops device_write_bps device_write_iops", _DISK_SCHEDULER, _DISK_REMEDY),
    ("cpu_period cpu_quota cpuset_cpus cpuset_mems", _CPU_SCHEDULER, _CPU_REMEDY),
    ("kernel_memory memory_swap memory_swappiness", _MEMORY, _MEMORY_REMEDY),
    ("oom_killer oom_score_adj", _OOM, _OOM_REMEDY),
    ("pids_limit", "A container can have 32000 processes and threads.", "Give a lower limit with ulimits nproc."),
    ("runtime", _NO_DAEMON, _REMOVE),
    ("storage_opts", _NO_DAEMON, "Give the size of the writable layer with scratch_size."),
    ("volume_driver volumes_from", _NO_DAEMON, "Put data into the image or into the writable layer."),
    ("platform", "The image's platform is chosen when it is imported.", "Give platform to container_image."),
    ("pull pull_check_mode_behavior", _IMAGES, _IMAGES_REMEDY),
    ("exposed_ports publish_all_ports default_host_ip", _REACHABLE, _REACHABLE_REMEDY),
    ("links", _NAMES, _NAMES_REMEDY),
    ("domainname", "The host name may have a domain.", "Give container_hostname, such as web.example.com."),
    ("mac_address", "Each network has its own adapter.", "Give mac_address in networks."),
    ("tty interactive", _TERMINAL, _TERMINAL_REMEDY),
    ("detach cleanup output_logs", _STARTS, _STARTS_REMEDY),
    (
        "auto_remove",
        "A container that has ended stays, so that its exit code and log can be read.",
        "Use state: absent.",
    ),
    ("image_comparison image_label_mismatch image_name_mismatch", _IMAGE_COMPARISON, _IMAGE_COMPARISON_REMEDY),
    ("keep_volumes", _VOLUMES, "Mount a volume with volumes where data is to be kept."),
    ("kill_signal", "force_kill powers the virtual machine off.", "Give stop_signal for a stop with a signal."),
    ("paused", "A container cannot be paused by its guest.", "Use state: stopped."),
    ("removal_wait_timeout", "The task waits until vCenter has removed the virtual machine.", _REMOVE),
)
# The explanation of each option by its name.
REFUSED: Mapping[str, str] = {name: f"{reason} {remedy}" for names, reason, remedy in _TABLE for name in names.split()}
_ALIASES = {"expose": "exposed_ports", "exposed": "exposed_ports"}


def refusals(options: Iterable[str]) -> list[GantryError]:
    """Return a problem for each of the given options that is refused."""
    known = ((option, REFUSED.get(_ALIASES.get(option, option))) for option in options)
    return [
        GantryError(f"{option} is an option of docker_container that container_vm does not have. {explanation}")
        for option, explanation in known
        if explanation is not None
    ]
