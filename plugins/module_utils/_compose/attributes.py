# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each attribute of the Compose specification becomes: applied, accepted without effect, or refused. Pure data.

The page for users is generated from this table. An attribute without an entry of its own has that of the attribute it
is part of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Use(Enum):
    """What becomes of an attribute."""

    APPLIED = "applied"
    NO_EFFECT = "accepted without effect"
    REFUSED = "refused"


@dataclass(frozen=True)
class Verdict:
    """What becomes of an attribute, and how or why."""

    use: Use
    text: str


_LOADER = "Read by the reference loader."
_NO_HOST = "A container is a virtual machine with a kernel of its own, so it shares nothing of a host."
_NO_DEVICES = "A container has no access to devices of a host, and its virtual machine has no others."
_CPU_SCHEDULER = (
    "The CPU time of a container is that of its virtual machine, which vSphere schedules. Give cpus, "
    "deploy.resources or cpu_shares."
)
_DISK_SCHEDULER = (
    "The storage bandwidth of a container is that of its virtual disks, which vSphere controls by storage policies."
)
_NO_SWAP = "A virtual machine of a container has no swap space. Give mem_limit or deploy.resources."
_OOM = "The guest keeps its init alive and kills processes of the container if memory runs out. Give enough memory."
_TERMINAL = "A container has no terminal and no input. Run commands with container_vm_exec, which has stdin."
_NO_DAEMON = "There is no Docker daemon that this could apply to."
_NO_MODELS = "AI models are a service of Docker Desktop. Run the server of the model as a service."
_PRIVILEGED = "A command has the capabilities of the container. Give it more with cap_add."
_METADATA = "Metadata for tools that a virtual machine does not have."
_STORES = "There is no store of secrets and configs. Give file, environment or content."
_REACHABLE = "A container has an address of its own, at which every port that it listens to can be reached."
_ADAPTER = "The adapter of a virtual machine does not have this."

_APPLIED: Mapping[str, str] = {
    "name": "The name of the stack.",
    "include": _LOADER,
    "services": "Each service is a group of container VMs.",
    "services.*.cap_add": "Added to the capabilities that Docker gives.",
    "services.*.cap_drop": "Removed from the capabilities that Docker gives.",
    "services.*.command": "As command of container_vm.",
    "services.*.configs": "Files of the container, with owner, group and mode.",
    "services.*.container_name": "The name of the VM. The service has one replica.",
    "services.*.cpu_shares": "As cpu_shares of container_vm.",
    "services.*.cpus": "Rounded up to whole virtual CPUs.",
    "services.*.depends_on": (
        "The order of starts. A service that is awaited with service_completed_successfully is a job, whose containers "
        "run once. restart: true is refused."
    ),
    "services.*.deploy.mode": (
        "replicated, or replicated-job, whose containers run once and are awaited. Others are refused."
    ),
    "services.*.deploy.placement.constraints": (
        "node.hostname, with == or !=, as a rule of DRS between the containers and hosts. It is mandatory only if "
        "x-gantry says mandatory: true. Others are refused."
    ),
    "services.*.deploy.placement.max_replicas_per_node": (
        "1, as one rule of DRS that keeps all replicas on different hosts, of which there must be enough. Others are "
        "refused."
    ),
    "services.*.deploy.placement.preferences": (
        "spread: node.hostname, as rules of DRS that keep replicas on different hosts. Others are refused."
    ),
    "services.*.deploy.replicas": "The number of container VMs.",
    "services.*.deploy.resources.limits.cpus": "Rounded up to whole virtual CPUs.",
    "services.*.deploy.resources.limits.memory": "The memory of the VM, at least 96 MiB and a multiple of 4 MiB.",
    "services.*.deploy.resources.reservations.memory": "The memory reservation of the VM.",
    "services.*.deploy.restart_policy.condition": "As restart: none, on-failure or always.",
    "services.*.deploy.restart_policy.max_attempts": "The number of restarts, with on-failure only.",
    "services.*.deploy.update_config": (
        "How running containers are changed that have to be stopped for it, with all keys. order: start-first applies "
        "to containers without volumes and without addresses or MAC addresses of their own."
    ),
    "services.*.deploy.rollback_config": (
        "How the containers get back what they had, with failure_action: rollback of update_config. order: start-first "
        "is refused."
    ),
    "services.*.dns": "Name servers of the container.",
    "services.*.dns_opt": "Options of its resolver.",
    "services.*.dns_search": "Search domains of the container.",
    "services.*.entrypoint": "As entrypoint of container_vm.",
    "services.*.env_file": _LOADER,
    "services.*.environment": "Environment variables of the container.",
    "services.*.extends": _LOADER,
    "services.*.extra_hosts": (
        "Lines of /etc/hosts, with one address for each name. host-gateway is refused, because there is no host."
    ),
    "services.*.group_add": "Further groups of the process.",
    "services.*.healthcheck": "As healthcheck of container_vm.",
    "services.*.hostname": "The host name of the container.",
    "services.*.image": "Imported as pull_policy says; the digest is compared.",
    "services.*.init": "An init that reaps processes.",
    "services.*.label_file": _LOADER,
    "services.*.labels": "Labels of the containers.",
    "services.*.links": "The alias is a name of the other service in its networks.",
    "services.*.logging.driver": "json-file and local keep the log in the VM, syslog also sends it. No others.",
    "services.*.logging.options": (
        "max-size, and the options of syslog that container_vm has. max-file, compress, mode and max-buffer-size have "
        "no effect, because the log is kept in the VM."
    ),
    "services.*.mac_address": "The MAC address of the first adapter.",
    "services.*.mem_limit": "The memory of the VM, at least 96 MiB and a multiple of 4 MiB.",
    "services.*.mem_reservation": "The memory reservation of the VM.",
    "services.*.network_mode": (
        "none, or bridge, which is the network default. Others are refused, because there is no host."
    ),
    "services.*.networks": "An adapter for each network, in the order of their priorities.",
    "services.*.networks.*.priority": "The order of the adapters, the highest first.",
    "services.*.platform": "The platform of the image, which must be linux/amd64.",
    "services.*.post_start": "As post_start of container_vm: the container has started when they are done.",
    "services.*.pre_stop": "As pre_stop of container_vm, within stop_grace_period.",
    "services.*.ports": "A published port that differs from the target is redirected in the guest.",
    "services.*.profiles": _LOADER,
    "services.*.pull_policy": "always, missing, if_not_present and never. Others are refused.",
    "services.*.read_only": "A root file system without a writable layer.",
    "services.*.restart": "The restart policy.",
    "services.*.scale": "The number of container VMs.",
    "services.*.secrets": "Files in memory, with owner, group and mode.",
    "services.*.shm_size": "The size of /dev/shm.",
    "services.*.stop_grace_period": "How long the container may take to stop.",
    "services.*.stop_signal": "The signal that stops the container.",
    "services.*.storage_opt": "size is that of the writable layer; others are refused.",
    "services.*.sysctls": "Settings of the VM's kernel.",
    "services.*.tmpfs": "File systems in memory.",
    "services.*.ulimits": "Limits of the process.",
    "services.*.user": "The user of the process.",
    "services.*.volumes": (
        "Volumes of container_volume and NFS, tmpfs, and files and small directories of the project, which are carried "
        "as content. Other paths of a host are refused."
    ),
    "services.*.working_dir": "The working directory of the process.",
    "networks": "Port groups of vSphere.",
    "networks.*.driver": "bridge and overlay are the same: a port group. Others are refused.",
    "networks.*.external": "The port group exists, under its name.",
    "networks.*.name": "The name of the port group, if the network is external.",
    "volumes": "Volumes of container_volume, created as needed.",
    "volumes.*.driver": "local only.",
    "volumes.*.driver_opts": "A directory of an NFS server, with type, device and o.",
    "volumes.*.external": "The volume exists, under its name.",
    "volumes.*.labels": "Labels of the volume.",
    "volumes.*.name": "The name of the volume.",
    "secrets": "Contents of files of containers.",
    "secrets.*.environment": "The content is the value of a variable, which must be set.",
    "secrets.*.file": "The content is that of a file of the project.",
    "configs": "Contents of files of containers.",
    "configs.*.content": "The content, in which variables are replaced.",
    "configs.*.environment": "The content is the value of a variable, which must be set.",
    "configs.*.file": "The content is that of a file of the project.",
}

_NO_EFFECT: Mapping[str, str] = {
    "version": "Obsolete in the specification.",
    "services.*.annotations": _METADATA,
    "services.*.attach": "No task shows the output of containers while they run.",
    "services.*.build": "Nothing is built. A service must have image, too; otherwise it is refused.",
    "services.*.deploy.endpoint_mode": "A name has the addresses of all replicas, as with dnsrr.",
    "services.*.deploy.labels": "Docker sets them on a service and not on its containers. Give labels.",
    "services.*.deploy.restart_policy.delay": "The guest waits between restarts, longer each time.",
    "services.*.deploy.restart_policy.window": "A container counts as started when it runs or is healthy.",
    "services.*.expose": _REACHABLE,
    "services.*.networks.*.use_service_name_alias": "The name of a service is always one of its containers.",
    "services.*.ports.[].app_protocol": _METADATA,
    "services.*.ports.[].mode": _REACHABLE,
    "services.*.ports.[].name": _METADATA,
    "services.*.volumes.[].bind.create_host_path": "There is no host.",
    "services.*.volumes.[].bind.propagation": "There is no host.",
    "services.*.volumes.[].bind.recursive": "There is no host.",
    "services.*.volumes.[].bind.selinux": "There is no host.",
    "services.*.volumes.[].consistency": "A setting of Docker Desktop.",
    "networks.*.attachable": _METADATA,
    "networks.*.labels": _METADATA,
    "secrets.*.labels": _METADATA,
    "secrets.*.name": "Secrets are not shared between stacks.",
    "configs.*.labels": _METADATA,
    "configs.*.name": "Configs are not shared between stacks.",
}

_REFUSED: Mapping[str, str] = {
    "jobs": "Waiting for the end of a container is not supported yet.",
    "models": _NO_MODELS,
    "services.*.blkio_config": _DISK_SCHEDULER,
    "services.*.cgroup": _NO_HOST,
    "services.*.cgroup_parent": _NO_HOST,
    "services.*.cpu_count": _CPU_SCHEDULER,
    "services.*.cpu_percent": _CPU_SCHEDULER,
    "services.*.cpu_period": _CPU_SCHEDULER,
    "services.*.cpu_quota": _CPU_SCHEDULER,
    "services.*.cpu_rt_period": _CPU_SCHEDULER,
    "services.*.cpu_rt_runtime": _CPU_SCHEDULER,
    "services.*.cpuset": _CPU_SCHEDULER,
    "services.*.credential_spec": "For Windows containers.",
    "services.*.deploy.resources.limits.pids": "Give ulimits nproc.",
    "services.*.deploy.resources.reservations.cpus": (
        "vSphere reserves CPU time in MHz. Give cpu_reservation in x-gantry."
    ),
    "services.*.deploy.resources.reservations.devices": _NO_DEVICES,
    "services.*.deploy.resources.reservations.generic_resources": _NO_DEVICES,
    "services.*.develop": "For development on one machine, with docker compose watch.",
    "services.*.device_cgroup_rules": _NO_DEVICES,
    "services.*.devices": _NO_DEVICES,
    "services.*.domainname": "The host name may have a domain. Give hostname, such as web.example.com.",
    "services.*.external_links": "Only containers of the stack are found by name. Use extra_hosts.",
    "services.*.gpus": _NO_DEVICES,
    "services.*.ipc": _NO_HOST,
    "services.*.isolation": "For Windows containers.",
    "services.*.mem_swappiness": _NO_SWAP,
    "services.*.memswap_limit": _NO_SWAP,
    "services.*.models": _NO_MODELS,
    "services.*.networks.*.driver_opts": _ADAPTER,
    "services.*.networks.*.gw_priority": _ADAPTER,
    "services.*.networks.*.interface_name": _ADAPTER,
    "services.*.networks.*.link_local_ips": _ADAPTER,
    "services.*.oom_kill_disable": _OOM,
    "services.*.oom_score_adj": _OOM,
    "services.*.pid": _NO_HOST,
    "services.*.pids_limit": "Give ulimits nproc.",
    "services.*.ports.[].host_ip": "A container has an address of its own, and none of a host.",
    "services.*.post_start.[].privileged": _PRIVILEGED,
    "services.*.pre_start": "The guest runs no command before a container starts. Put it into the entrypoint.",
    "services.*.pre_stop.[].privileged": _PRIVILEGED,
    "services.*.privileged": f"{_NO_HOST} Give what the program needs with cap_add.",
    "services.*.provider": "A program of the machine where docker compose runs.",
    "services.*.pull_refresh_after": "Give pull_policy: always to look the image up at each run.",
    "services.*.runtime": _NO_DAEMON,
    "services.*.security_opt": f"{_NO_HOST} Choose privileges with cap_add and cap_drop.",
    "services.*.stdin_open": _TERMINAL,
    "services.*.tty": _TERMINAL,
    "services.*.umask": "Set it in the entrypoint.",
    "services.*.use_api_socket": _NO_DAEMON,
    "services.*.userns_mode": _NO_HOST,
    "services.*.uts": _NO_HOST,
    "services.*.volumes.[].image": "Only the image of the service is mounted. Copy the files into it.",
    "services.*.volumes.[].volume.labels": "Give the labels to the volume in volumes.",
    "services.*.volumes.[].volume.subpath": "A volume is mounted as a whole.",
    "services.*.volumes_from": "A volume belongs to one container. List it in volumes.",
    "networks.*.driver_opts": "Settings of a port group are those of port_group and container_network.",
    "networks.*.enable_ipv4": "Whether a network has IPv4 is a setting of container_network.",
    "networks.*.enable_ipv6": "Whether a network has IPv6 is a setting of container_network.",
    "networks.*.internal": "Whether a port group has an uplink is a setting of its switch.",
    "networks.*.ipam": "The addresses of a network are a setting of container_network.",
    "secrets.*.driver": _STORES,
    "secrets.*.driver_opts": _STORES,
    "secrets.*.external": _STORES,
    "secrets.*.template_driver": _STORES,
    "configs.*.external": _STORES,
    "configs.*.template_driver": _STORES,
}

VERDICTS: Mapping[str, Verdict] = {
    pattern: Verdict(use, text)
    for use, table in ((Use.APPLIED, _APPLIED), (Use.NO_EFFECT, _NO_EFFECT), (Use.REFUSED, _REFUSED))
    for pattern, text in table.items()
}
