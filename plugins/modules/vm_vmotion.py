#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of vm_vmotion; what it does is in module_utils/_vmotion."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_vmotion
short_description: Move VMs to another host, cluster, resource pool, datastore or vCenter
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Moves one or many VMs, running ones live (vMotion, Storage vMotion) and others cold, until they are where they are
    wanted. What is there already is left alone.
  - Before anything is moved, whatever prevents any of the moves is reported with its cause and remedy.
    If anything does, nothing is moved.
  - Many VMs move in parallel, as many as vCenter runs at a time. If some of the moves fail, the others go on, and the
    failure has an account of every VM. Running again finishes what is left.
  - A move that is under way already, begun by somebody else or by a run that was interrupted, is noticed and waited
    for, and not begun a second time.
  - Where no host is given and DRS is on, DRS is asked for one.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
options:
  vms:
    description:
      - The VMs, containers or any others. Each entry is a string, which is a name, or where it has a slash an inventory
        path; or a dictionary with exactly one of the keys below.
      - C(name), with C(folder) where the name alone is not enough. A folder is a whole path, from the root or from the
        datacenter's VM folder.
      - C(path), the inventory path.
      - C(moid), the managed object ID.
      - C(uuid), the instance UUID or the BIOS UUID.
      - C(labels), a dictionary of labels of containers, all of which must match. There may be many.
      - C(stack), the Compose project that containers belong to. There may be many.
      - A name that several VMs have is an error, which lists them all. Templates are never meant.
    type: list
    elements: raw
    required: true
  datacenter:
    description:
      - The datacenter in which the VMs and the places are looked for. Without it, in all.
    type: str
  host:
    description:
      - The host to move to, by name, path or MoID. The case of its name does not matter.
    type: str
  cluster:
    description:
      - The cluster to move to. A VM that is in it stays on its host; for any other DRS is asked for a host. Where DRS
        is off, the host with the most free memory is taken.
    type: str
  resource_pool:
    description:
      - The resource pool to move to, by name or path below the cluster.
      - Without it, a VM that changes its cluster comes into the new cluster's root pool.
    type: str
  datastore:
    description:
      - The datastore that the VM's files and its disks are to be on, but for what O(disks) says of single ones.
    type: str
  datastore_cluster:
    description:
      - The datastore cluster that the VM's files and its disks are to be in. What is in it stays where it is, and the
        rest goes to the datastore in it that has the most free space and that the host sees.
    type: str
  disks:
    description:
      - Places of single disks, of each of the VMs.
    type: list
    elements: dict
    default: []
    suboptions:
      label:
        description:
          - The disk's label, as V(Hard disk 1). Either this or O(disks[].key) is required.
        type: str
      key:
        description:
          - The disk's device key, as V(2000).
        type: int
      datastore:
        description:
          - The datastore for this disk. Without it, the one for all.
        type: str
      provisioning:
        description:
          - How the disk is allocated when it is moved to another datastore. Without it, as it was.
          - A disk that stays in its datastore stays as it is.
        type: str
        choices: [thin, thick, eager_zeroed]
  network_mapping:
    description:
      - A dictionary of networks that the VMs are on, by name or MoID, and for each the network that their adapters are
        to be connected to instead.
    type: dict
    default: {}
  priority:
    description:
      - How vCenter reserves CPU for moves of running VMs.
    type: str
    choices: [default, high, low]
    default: default
  mode:
    description:
      - V(any) moves running VMs live and others cold.
      - V(live) refuses VMs that are not running, V(cold) those that are.
    type: str
    choices: [any, live, cold]
    default: any
  precheck:
    description:
      - V(enforce) looks for blockers before anything is moved, by checks of its own and by asking vCenter, and fails if
        there are any.
      - V(report) only looks for blockers. It moves nothing, and does not fail; see RV(blockers).
      - V(skip) moves without looking. vCenter still refuses what is impossible, one VM at a time.
    type: str
    choices: [enforce, report, skip]
    default: enforce
  timeout:
    description:
      - How many seconds all moves together may take. Those that are under way then go on in vCenter; running again
        waits for them.
    type: float
    default: 3600.0
  destination_vcenter:
    description:
      - Another vCenter to move to. What says where to is given in here then, and not at the top.
      - A VM that is not in the first vCenter any more but is in this one counts as moved.
      - Where no host is given, the one with the most free memory is taken.
    type: dict
    suboptions:
      hostname:
        description:
          - The other vCenter, as a DNS name or an address. The first vCenter must reach it by this name as well.
        type: str
        required: true
      username:
        description:
          - The user there.
        type: str
        required: true
      password:
        description:
          - The user's password. It is sent to both vCenters, as the first one logs in to the other with it.
        type: str
        required: true
        aliases: [pass, pwd]
      port:
        description:
          - The port that the other vCenter serves HTTPS at.
        type: int
        default: 443
      validate_certs:
        description:
          - Whether the other vCenter must show a certificate that is signed by a known CA. V(false) needs
            O(destination_vcenter.thumbprint).
        type: bool
        default: true
      ca_path:
        description:
          - A file or directory of the CAs that are trusted for the other vCenter, instead of the system's.
        type: path
      thumbprint:
        description:
          - The SHA-256 or SHA-1 of the other vCenter's certificate, with or without colons. With it, the other vCenter
            is trusted if it shows just this certificate; nothing is sent to it before that is known.
        type: str
      datacenter:
        description:
          - The datacenter in which the places are looked for.
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
          - The resource pool. Without it, the cluster's root pool.
        type: str
      datastore:
        description:
          - The datastore. Without it, the VMs stay on their datastores, which both vCenters must see.
        type: str
      datastore_cluster:
        description:
          - The datastore cluster, instead of a datastore.
        type: str
      folder:
        description:
          - The folder for the VMs. Without it, vCenter chooses, usually the datacenter's VM folder.
        type: str
      network_mapping:
        description:
          - A dictionary of networks that the VMs are on, and for each the network there. A network that is not in it
            is taken for the one of the same name.
        type: dict
        default: {}
seealso:
  - module: gantry.vsphere.host_maintenance
  - module: gantry.vsphere.container_vm
notes:
  - Required privileges on the VMs and on what they move to are C(Resource.HotMigrate) for running VMs,
    C(Resource.ColdMigrate) for others, C(Resource.AssignVMToPool) where the resource pool or the cluster changes,
    C(Datastore.AllocateSpace) on a new datastore, C(Network.Assign) on a new network, and C(System.Read) on all.
    Asking DRS needs C(Resource.ApplyRecommendation) on the cluster. Moves between vCenters need these in both, and
    C(VirtualMachine.Inventory.CreateFromExisting) on the folder there.
  - A container whose disks are moved to another datastore is independent of its image afterwards; what it shared with
    other containers of the image is copied.
  - In check mode the same checks are made, and DRS is asked for hosts. What it says is where a run would move the VMs,
    as long as nothing changes between the two.
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

- name: See what speaks against moving a VM and its disks
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
  description: What became of each VM, in the order in which they were asked for. Also returned with a failure.
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
        - V(in_place), it was there already; V(moved); V(failed), with RV(vms[].fault); V(not_started); V(in_flight),
          the move goes on in vCenter; V(blocked), see RV(blockers); V(movable), with O(precheck=report).
      type: str
      returned: always
      sample: moved
    mode:
      description: V(live) or V(cold); V(null) if nothing is to be moved.
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
      description: Where it is now, or in check mode would be; where it is wanted, if it has not been moved.
      type: dict
      returned: always
      sample: {host: esx2.example.com, cluster: C0, resource_pool: /DC0/host/C0/Resources, datastores: [nfs0],
               disks: {Hard disk 1: nfs0}, networks: [VM Network]}
    what:
      description: Which of these have changed.
      type: list
      elements: str
      returned: always
      sample: [host]
    chosen_by:
      description: How the host was found, V(given), V(drs) or V(space); V(null) if the host does not change.
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
        - What was looked at after the move. C(placement), whether it is where it was moved to; C(ip_addresses), whether
          it still has the addresses that it had; C(process), whether the container is still in the same run. V(null)
          where there was nothing to look at.
      type: dict
      returned: always
      sample: {placement: true, ip_addresses: true, process: true}
    fault:
      description: The type and the message of vCenter's fault, if the move failed by one.
      type: dict
      returned: always
    message:
      description: What is to be said about it.
      type: str
      returned: always
    warnings:
      description: What vCenter warns of, if it was asked.
      type: list
      elements: str
      returned: always
      sample: []
blockers:
  description: All that speaks against the moves. Also returned with the failure that it leads to.
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
        - What it is, one of V(cd_attached), V(serial_connected), V(passthrough), V(datastore_not_shared),
          V(network_missing), V(host_maintenance), V(host_disconnected), V(host_reserved), V(hardware_version), V(evc),
          V(mandatory_rule), V(snapshot), V(vm_state), V(not_enough_hosts), V(capacity), V(drs_disabled), or
          V(incompatible) for all else that vCenter says.
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
      description: The host that it is about, if it is about one.
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
