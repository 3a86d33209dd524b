#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of vm_vmotion; the implementation is in module_utils/_vmotion."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_vmotion
short_description: Move VMs to another host, cluster, resource pool, datastore or vCenter
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Migrates one or many VMs, running ones live (vMotion, Storage vMotion) and others cold. VMs that are already at the
    destination are left alone.
  - All moves are checked first. Whatever prevents one is reported with its cause and remedy, and nothing is moved.
  - The disks of all VMs of the task that move to a datastore are added up and compared with its free space. Parents of
    disks, such as those of images, need not be copied if vCenter finds them there. If the space is not enough with
    them, a warning of the VM says so.
  - vSphere moves one First Class Disk of a VM at a time, such as a volume of M(gantry.vsphere.container_volume). A VM
    with several of them is moved to another datastore with the first one, and then the others are moved one after the
    other. The host must see both datastores meanwhile.
  - Many VMs move in parallel, as many as vCenter runs at a time. If some of the moves fail, the others continue, and
    the error reports every VM. Running the task again finishes the rest.
  - A move that is already running, started by someone else or by an interrupted run, is detected and waited for. It is
    not started a second time.
  - If no host is given and DRS is on, DRS recommends one.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.vm_vmotion
options:
  vms:
    description:
      - The VMs, containers or any others. Each entry is a string or a dictionary. A string is a name, or if it contains
        a slash an inventory path. A dictionary has exactly one of the following keys.
      - C(name), with C(folder) if the name is not unique. A folder is a full path, from the root or from the
        datacenter's VM folder.
      - C(path), the inventory path.
      - C(moid), the managed object ID.
      - C(uuid), the instance UUID or the BIOS UUID.
      - C(labels), a dictionary of container labels that must all match. Any number of containers may match.
      - C(stack), a Compose project. Any number of containers may match.
      - A name that several VMs have is an error that lists them all. Templates are never selected.
    type: list
    elements: raw
    required: true
  datacenter:
    description:
      - The datacenter of the VMs and the destination. By default all datacenters are searched.
    type: str
  host:
    description:
      - The host to move to, by name, path or MoID. The case of its name does not matter.
    type: str
  cluster:
    description:
      - The cluster to move to. A VM that is in the cluster stays on its host. For any other VM, DRS recommends a host.
        If DRS is off, the host with the most free memory is chosen.
    type: str
  resource_pool:
    description:
      - The resource pool to move to, by name or path below the cluster.
      - By default, a VM that changes its cluster moves to the root pool of the new cluster.
    type: str
  datastore:
    description:
      - The datastore for the VM's files and disks, except for disks that O(disks) lists.
    type: str
  datastore_cluster:
    description:
      - The datastore cluster for the VM's files and disks. Disks that are already in it stay where they are. The
        others move to the datastore in it that the host sees and that has the most free space.
    type: str
  disks:
    description:
      - The destinations of single disks of each VM.
    type: list
    elements: dict
    default: []
    suboptions:
      label:
        description:
          - The disk's label, such as V(Hard disk 1). Either this or O(disks[].key) is required.
        type: str
      key:
        description:
          - The disk's device key, such as V(2000).
        type: int
      datastore:
        description:
          - The datastore for this disk. By default O(datastore).
        type: str
      provisioning:
        description:
          - The provisioning of the disk when it is moved to another datastore. By default it does not change.
          - A disk that stays on its datastore is not converted.
          - The provisioning of a disk that has a parent, as those of containers and other linked clones, cannot change.
        type: str
        choices: [thin, thick, eager_zeroed]
  network_mapping:
    description:
      - A dictionary from networks that the VMs are connected to, to the networks that replace them.
      - Networks are given by name, inventory path or MoID, and distributed port groups also with their switch, as
        V(DSwitch0/backend). A name maps all networks that have it.
    type: dict
    default: {}
  priority:
    description:
      - The priority of vMotion, by which vCenter reserves CPU for moves of running VMs.
    type: str
    choices: [default, high, low]
    default: default
  mode:
    description:
      - V(any) moves running VMs live and others cold.
      - V(live) fails for VMs that are not running, V(cold) for VMs that are.
    type: str
    choices: [any, live, cold]
    default: any
  precheck:
    description:
      - V(enforce) checks all moves before anything is moved, by checks of its own and by those of vCenter, and fails if
        there are blockers.
      - V(report) only checks. It moves nothing, and does not fail. See RV(blockers).
      - V(skip) moves without checking. vCenter still refuses what is impossible, one VM at a time.
    type: str
    choices: [enforce, report, skip]
    default: enforce
  timeout:
    description:
      - How many seconds all moves together may take. Moves that are running at that time continue in vCenter. Running
        the task again waits for them.
    type: float
    default: 3600.0
  destination_vcenter:
    description:
      - Another vCenter to move to. The destination is then given here and not by the options at the top.
      - A VM that is no longer in the first vCenter but is in this one counts as moved.
      - If no host is given, the host with the most free memory is chosen.
    type: dict
    suboptions:
      hostname:
        description:
          - The DNS name or address of the other vCenter. The first vCenter must reach it by this name as well.
        type: str
        required: true
      username:
        description:
          - The user name for the other vCenter.
        type: str
        required: true
      password:
        description:
          - The password. It is sent to both vCenters, since the first one logs in to the other with it.
        type: str
        required: true
        aliases: [pass, pwd]
      port:
        description:
          - The HTTPS port of the other vCenter.
        type: int
        default: 443
      validate_certs:
        description:
          - Whether the certificate of the other vCenter must be signed by a trusted CA. V(false) requires
            O(destination_vcenter.thumbprint).
        type: bool
        default: true
      ca_path:
        description:
          - A file or directory with the CAs to trust for the other vCenter, instead of the system's.
        type: path
      thumbprint:
        description:
          - The SHA-256 or SHA-1 thumbprint of the other vCenter's certificate, with or without colons. The other
            vCenter is then trusted only with this certificate. It is verified before anything is sent.
        type: str
      datacenter:
        description:
          - The datacenter of the destination.
        type: str
      host:
        description:
          - The host. This or O(destination_vcenter.cluster) is required.
        type: str
      cluster:
        description:
          - The cluster.
        type: str
      resource_pool:
        description:
          - The resource pool. By default the root pool of the cluster.
        type: str
      datastore:
        description:
          - The datastore. By default the VMs stay on their datastores, which both vCenters must see.
        type: str
      datastore_cluster:
        description:
          - The datastore cluster, instead of a datastore.
        type: str
      folder:
        description:
          - The folder for the VMs. By default vCenter chooses, usually the datacenter's VM folder.
        type: str
      network_mapping:
        description:
          - A dictionary from networks that the VMs are connected to, to networks of the other vCenter. A network that
            is not listed is mapped to the network with the same name.
        type: dict
        default: {}
seealso:
  - module: gantry.vsphere.host_maintenance
  - module: gantry.vsphere.container_vm
notes:
  - Moves between vCenters require the privileges in both, and C(VirtualMachine.Inventory.Register) on the folder of
    the destination.
  - A container whose disks are moved to another datastore is independent of its image afterwards. The disk that it
    shared with other containers of the image is copied.
  - A container boots from the bootstrap ISO. It is not moved to a host that does not see the datastore of the ISO, not
    even while it is off, since it could not be started there.
  - In check mode the same checks are made, and DRS recommends hosts. The result is where a run would move the VMs, as
    long as nothing changes in between.
"""

EXAMPLES = r"""
- name: Move a container to a host
  gantry.vsphere.vm_vmotion:
    vms: [web]
    host: esx2.example.com

- name: Move a stack to another cluster, where DRS chooses the hosts
  gantry.vsphere.vm_vmotion:
    vms:
      - stack: shop
    cluster: production

- name: Check whether a VM and its disks can be moved
  gantry.vsphere.vm_vmotion:
    vms:
      - name: db
        folder: apps/shop
    host: esx2.example.com
    datastore: nfs1
    precheck: report
  register: result

- name: Put the second disk on fast storage, thin
  gantry.vsphere.vm_vmotion:
    vms: [apps/shop/db]
    disks:
      - label: Hard disk 2
        datastore: nvme0
        provisioning: thin

- name: Move all front ends to another vCenter
  gantry.vsphere.vm_vmotion:
    vms:
      - labels: {tier: front}
    destination_vcenter:
      hostname: vcenter2.example.com
      username: administrator@vsphere.local
      password: "{{ vcenter2_password }}"
      thumbprint: "{{ vcenter2_thumbprint }}"
      cluster: production
      datastore: nfs7
      network_mapping:
        VM Network: frontend
"""

RETURN = r"""
vms:
  description: The outcome for each VM, in the order in which they were selected. Also returned with an error.
  returned: success, and failure of a move or of a check
  type: list
  elements: dict
  contains:
    name:
      description: The VM's name.
      type: str
      returned: always
      sample: web
    path:
      description: Its inventory path.
      type: str
      returned: always
      sample: /DC0/vm/apps/web
    moid:
      description: Its managed object ID.
      type: str
      returned: always
      sample: vm-42
    status:
      description:
        - V(in_place) if it was already there, V(moved), V(failed) with RV(vms[].fault), V(not_started), V(in_flight) if
          the move is still running in vCenter, V(blocked) with RV(blockers), or V(movable) with O(precheck=report).
      type: str
      returned: always
      sample: moved
    mode:
      description: V(live) or V(cold); V(null) if the VM does not move.
      type: str
      returned: always
      sample: live
    from:
      description: Where it was, by C(host), C(cluster), C(resource_pool), C(datastores), C(disks) and C(networks).
      type: dict
      returned: always
      sample: {host: esx1.example.com, cluster: C0, resource_pool: /DC0/host/C0/Resources, datastores: [nfs0],
               disks: {Hard disk 1: nfs0}, networks: [VM Network]}
    to:
      description: Where it is now, or would be in check mode; its destination, if it has not been moved.
      type: dict
      returned: always
      sample: {host: esx2.example.com, cluster: C0, resource_pool: /DC0/host/C0/Resources, datastores: [nfs0],
               disks: {Hard disk 1: nfs0}, networks: [VM Network]}
    what:
      description: Which of these change.
      type: list
      elements: str
      returned: always
      sample: [host]
    chosen_by:
      description:
        - How the host was chosen, V(given), V(drs), or V(space) for the most free memory; V(null) if the host does not
          change.
      type: str
      returned: always
      sample: given
    duration:
      description: How many seconds the move took.
      type: float
      returned: always
      sample: 7.4
    verified:
      description:
        - What was verified after the move. C(placement), that the VM is at its destination; C(ip_addresses), that it
          still has its addresses; C(process), that the container was not restarted. V(null) if there was nothing to
          verify.
      type: dict
      returned: always
      sample: {placement: true, ip_addresses: true, process: true}
    fault:
      description: The type and message of vCenter's fault, if that made the move fail.
      type: dict
      returned: always
    message:
      description: The error message, or what is still running.
      type: str
      returned: always
    warnings:
      description: The warnings of vCenter's check.
      type: list
      elements: str
      returned: always
      sample: []
blockers:
  description: Everything that prevents the moves. Also returned with the error that it causes.
  returned: success, and failure of a check
  type: list
  elements: dict
  contains:
    vm:
      description: The path of the VM.
      type: str
      returned: always
      sample: /DC0/vm/apps/web
    code:
      description:
        - The kind of blocker, one of V(bootstrap_not_shared), V(cd_attached), V(serial_connected), V(passthrough),
          V(datastore_not_shared), V(network_missing), V(host_maintenance), V(host_disconnected), V(host_reserved),
          V(hardware_version), V(evc), V(mandatory_rule), V(snapshot), V(linked_clone), V(vm_state),
          V(not_enough_hosts), V(capacity), V(drs_disabled), or V(incompatible) for anything else that vCenter reports.
      type: str
      returned: always
      sample: cd_attached
    message:
      description: What was found.
      type: str
      returned: always
      sample: "CD/DVD drive 1 with [local-esx1] tools.iso is connected, and host esx2 does not see that datastore."
    remedy:
      description: What to do.
      type: str
      returned: always
      sample: Disconnect the drive, or put the medium on a datastore that both hosts see.
    host:
      description: The host that it concerns, if any.
      type: str
      returned: always
      sample: esx2.example.com
actions:
  description: What was done, or would be done in check mode.
  returned: success
  type: list
  elements: str
  sample: ['move web to esx2.example.com (live)']
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.operation import VmVmotion


def main() -> None:
    run_module(VmVmotion())


if __name__ == "__main__":
    main()
