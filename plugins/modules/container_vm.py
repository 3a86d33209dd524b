#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_vm; what it does is in module_utils/_container."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_vm
short_description: Run a container as a virtual machine
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Creates, changes, starts, stops and removes a container that runs in its own small virtual machine.
  - Options with the same meaning have the same names as in M(community.docker.docker_container).
  - The image must have been imported with M(gantry.vsphere.container_image), and the bootstrap ISO uploaded with
    M(gantry.vsphere.bootstrap_image).
  - The task always gives the complete configuration. An option that is not given has its default or the image's value.
    Without O(image) the configuration does not change, and only the state of an existing container is managed.
  - Labels, notes, folder, resource pool and restart policy are changed while the container runs. Options that only take
    effect at a start are changed in place between a graceful stop and a start, and the VM keeps its identity and its
    writable layer. Another image or another size of the writable layer requires a new VM. It is created first, with
    C(-gantry-next) appended to the container's name. Only when it exists is the old VM stopped and removed, with its
    writable layer, and the new one renamed and started. If a run is interrupted in between, the next run continues.
  - A container is never replaced because of its placement. O(cluster) and O(datastore) select where it is created. If
    it has been moved since, it stays there or is moved back, see O(placement_drift), and keeps its writable layer.
  - The settings that the VM needs to start are repaired if they were changed. These are the CD drive with the bootstrap
    ISO and its connection, the boot order, the firmware, the connections of the network adapters, the scratch disk and
    the container's keys in C(extraConfig). While the container runs, only settings that need no restart are changed. A
    missing ISO is replaced by the newest one. A missing scratch disk is replaced by an empty one.
  - Before anything is changed, also in check mode, the task fails if the resource pool cannot admit what it creates,
    starts or enlarges. The pool, with those above it if its reservation is expandable, must have left what the
    container reserves, and a memory limit of the pool must not be lower than the memory of the container. The overhead
    of a virtual machine is known only when it starts. A start can still be refused because of it, and because of the
    hosts and HA.
  - A virtual machine with the container's name that this collection did not create is never changed.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.container_vm
options:
  name:
    description:
      - The name of the container and of its virtual machine.
      - Letters, digits, C(_), C(.) and C(-), beginning with a letter or digit, at most 63 characters.
    type: str
    required: true
  state:
    description:
      - V(present) creates the container or changes its configuration, and does not change its power state. A new
        container is not started.
      - V(started) also starts it if it is not running. If its VM is on and the container is not running yet, the task
        waits for it, which is reported as a change, and fails if it does not run in time.
      - V(healthy) also waits until its health check succeeds. The wait for a container that is already running is
        reported as a change.
      - V(ready) is V(healthy) for a container with a health check and V(started) for one without.
      - V(completed) is for a job, such as a migration of a database. It starts the container and waits until it has
        ended with exit code 0, for at most O(wait_timeout). A container whose last run has ended so is not started
        again, unless its configuration or its image changes, or with O(restart). One that has failed, or whose end is
        not known, runs again.
      - V(stopped) stops it, with its stop signal and its stop timeout.
      - V(suspended) suspends a container that runs, and does not take a configuration. vSphere saves its memory, and
        V(started), V(healthy), V(ready) and V(completed) let it go on from there. V(present) leaves it suspended,
        V(stopped) and changes that need a restart discard its memory. Clients of the container see a peer that does not
        answer.
      - V(absent) stops it and removes it with its writable layer.
    type: str
    choices: [present, started, healthy, ready, completed, stopped, suspended, absent]
    default: started
  image:
    description:
      - The reference of the image, by tag or by digest, such as V(registry.example.com/web:1.2).
      - If M(gantry.vsphere.container_image) moves the tag to another image, the next run replaces the container.
      - Required to create a container or to change its configuration.
    type: str
  command:
    description:
      - The command, as a list of strings, or as one string that is split as a shell would split it.
      - It replaces the image's command. If O(entrypoint) is given, the image's command is not used at all.
    type: raw
  entrypoint:
    description:
      - The entrypoint, which replaces the image's. An empty list means none.
    type: list
    elements: str
  env:
    description:
      - Environment variables, which are added to the image's or override them.
      - The values must be strings. Numbers and booleans are refused because YAML may have changed them.
      - The values are stored in the VM's C(extraConfig). Users who may read the VM's configuration in vCenter can read
        them. They are not returned and not shown in diffs.
      - The configuration of a container has at most 1 MiB, and 60 KiB compressed, which is what fits into one setting
        of a VM. Put large data that cannot be compressed, such as archives and keys, into the image.
    type: dict
  labels:
    description:
      - Labels, whose values must be strings. The container does not see them.
    type: dict
  user:
    description:
      - The user, optionally with a colon and the group, by name or number. By default that of the image.
    type: str
  groups:
    description:
      - Additional groups of the user, by name or number.
    type: list
    elements: str
  working_dir:
    description:
      - The working directory. By default that of the image.
    type: str
  container_hostname:
    description:
      - The host name in the container, at most 64 characters. By default its name, with C(-) for characters that a host
        name cannot have.
      - It is not called C(hostname) because O(hostname) is the vCenter.
    type: str
  memory:
    description:
      - The memory of the virtual machine, such as V(512M) or V(2G), a multiple of 4 MiB and at least V(96M),
        or V(256M) with UEFI firmware. The kernel uses about 40 MiB of it.
      - Default V(256M).
    type: str
  cpus:
    description:
      - The number of virtual CPUs, at least V(1).
      - A change restarts the container, unless CPUs are added and O(cpu_hot_add) is in effect.
      - Default V(1).
    type: int
  cpu_hot_add:
    description:
      - Whether CPUs can be added while the container runs. CPUs are never removed from a running virtual machine.
      - vSphere changes this only while the virtual machine is off. A container that runs is not stopped for it, so it
        takes effect when a task starts the container the next time. What is in effect is returned as C(cpu_hot_add).
      - The guest's kernel keeps about 250 KiB of memory for each CPU that could be added, which can be 30 MiB in all,
        so a small container needs more O(memory). vSphere shows no virtual NUMA to such a virtual machine.
      - A bootstrap ISO of an earlier version leaves added CPUs unused until the next start.
      - Default V(false).
    type: bool
  memory_hot_add:
    description:
      - Whether memory can be added while the container runs. Memory is never removed from a running virtual machine.
      - Both sizes must be multiples of 128 MiB, which the guest's kernel requires. vSphere adds memory up to 16 times
        what the virtual machine had at its last start, but up to 3 GiB if it has started with at most 3 GiB, because
        the guest is Linux. Any other change of O(memory) restarts the container.
      - The limit of the container's memory grows with the added memory, and the sizes of its tmpfs stay as they are.
      - It takes effect as O(cpu_hot_add) does.
      - Default V(false).
    type: bool
  cpu_reservation:
    description:
      - The CPU time in MHz that vSphere guarantees to the virtual machine. It does not start where that is not
        available.
      - This option, O(cpu_limit), O(cpu_shares), O(memory_reservation), O(memory_limit) and O(memory_shares) are
        changed while the container runs. One that is not given is left as it is in vCenter. If it was given before, it
        has vSphere's default again, which is no reservation, no limit and V(normal) shares. So has a new VM.
    type: int
  cpu_limit:
    description:
      - The CPU time in MHz that the virtual machine can use at most, such as V(2000), or V(unlimited).
    type: str
  cpu_shares:
    description:
      - The weight of the virtual machine where CPU time is scarce, among the VMs and the pools in its resource pool.
      - V(low), V(normal), V(high) or a number. For each virtual CPU these are 500, 1000 and 2000 shares.
    type: str
  memory_reservation:
    description:
      - The memory that vSphere guarantees to the virtual machine, in whole MiB, such as V(128M), at most O(memory).
    type: str
  memory_limit:
    description:
      - The memory of the host that the virtual machine can use at most, such as V(1G), or V(unlimited).
      - It does not change O(memory), which the container sees. With a limit below it, the host swaps.
    type: str
  memory_shares:
    description:
      - The weight of the virtual machine where memory is scarce, among the VMs and the pools in its resource pool.
      - V(low), V(normal), V(high) or a number. For each MiB of memory these are 5, 10 and 20 shares.
    type: str
  networks:
    description:
      - The networks of the container, each with its own adapter, in this order.
      - By default one adapter in the network V(VM Network). An empty list means no network.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name of the network, its inventory path or its MoID. It is a standard or distributed port group, or an
            opaque network of NSX.
          - A segment of NSX may have a port group of the same name on each distributed switch. It is given with its
            switch, as V(DSwitch0/backend).
        type: str
        required: true
      ipv4_address:
        description:
          - A static address with its prefix length, such as V(10.0.0.5/24). The length can be left out if the address
            is in the pool of the network.
          - By default the container gets an address of the network's pool, which M(gantry.vsphere.container_network)
            manages, and keeps it until its VM is removed. On a network without a pool, it uses DHCP.
          - With V(dhcp), it uses DHCP also on a network with a pool. With V(disabled), it has no IPv4 address.
          - An address in the subnet of the pool that another VM has or reports is refused. If another device on the
            network answers for a static address, the container does not start, and reports C(address_in_use).
        type: str
      gateway:
        description:
          - The gateway of a static IPv4 address. By default that of the network's pool.
        type: str
      ipv6_address:
        description:
          - A static IPv6 address with its prefix length, such as V(fd00:20::5/64). The length can be left out if the
            address is in the IPv6 pool of the network. The container then takes no other address that routers
            advertise.
          - By default the container gets an address of the network's IPv6 pool, as with
            O(networks[].ipv4_address). On a network without one, it takes the addresses that routers advertise, if
            there are any.
          - With V(auto), it takes the addresses that routers advertise, also on a network with a pool, and does not
            start without one. With V(disabled), it does not use IPv6. DHCPv6 is not used.
        type: str
      ipv6_gateway:
        description:
          - The gateway of a static IPv6 address, which can be a link-local address. By default that of the network's
            pool, or else a router that advertises itself.
        type: str
      mac_address:
        description:
          - The MAC address of the adapter. By default vCenter assigns one.
          - Of the prefixes of VMware, only V(00:50:56:00:00:00) to V(00:50:56:3f:ff:ff) are for addresses that are
            given. Others are refused, among them those that vCenter has assigned to VMs.
        type: str
      aliases:
        description:
          - Further names by which other containers of this network find this one, besides O(name). With an empty list
            it has only its name.
          - A container with this list finds the other containers that have one on the same network and in the same
            folder, by their names and aliases, with a resolver at V(127.0.0.11) in its VM. All other names are
            forwarded to O(dns_servers) or those of DHCP.
          - A name that several containers have has the addresses of all of them, which are answered in turn. Containers
            whose VM is powered off are not found.
          - When a container comes, goes or changes its names or addresses, the task writes new tables of names to the
            others in C(guestinfo.gantry.names), which they read within seconds. No container is restarted. Only adding
            the first list to a container, or removing the last one, restarts it.
          - Without the list the container has no names for others and finds none.
          - Names are in lower case, as DNS compares them. A program that listens on port 53 of all addresses cannot
            have them, since the resolver has that port of V(127.0.0.11).
        type: list
        elements: str
  published_ports:
    description:
      - The ports at which clients reach the container, such as V(80), V(8080:80), V(53/udp), V(8000-8010) or
        V(8000-8010:9000-9010). They are recorded and returned, for example for load balancers and firewalls.
      - The container has addresses of its own, at which each port that it listens on can be reached, also those that
        are not listed. So V(80) and V(80:80) change nothing in the guest.
      - With V(8080:80), the guest redirects connections to port 8080 of the container's addresses to port 80, and the
        program sees the address of the client. Port 80 can be reached, too. Whatever the container
        itself listens on at port 8080 can no longer be reached, not even from inside.
      - Redirects are for V(tcp) and V(udp), for at most 1024 ports, and require a bootstrap ISO of this version. A
        change of them restarts the container.
      - An address, such as in V(127.0.0.1:8080:80), is refused, because ports are those of all addresses.
    type: list
    elements: str
    aliases: [ports]
  dns_servers:
    description:
      - The addresses of DNS servers. By default those of the networks' pools, or those that DHCP gives. Those that
        routers advertise for IPv6 are not used.
    type: list
    elements: str
  dns_search_domains:
    description:
      - The DNS search domains.
    type: list
    elements: str
  dns_opts:
    description:
      - Options of the resolver, such as V(ndots:2).
    type: list
    elements: str
  etc_hosts:
    description:
      - Names to add to C(/etc/hosts), with their addresses.
    type: dict
  restart_policy:
    description:
      - Whether the guest restarts the container's process when it ends.
      - If it is not restarted, the virtual machine powers off.
      - It is changed while the container runs, and applies from the next end of its process on. A container that was
        started from a bootstrap ISO of an earlier version, or has no writable disk (O(read_only=true) or
        O(writable=tmpfs)), is restarted for it.
      - Default V(no).
    type: str
    choices: ['no', on-failure, always, unless-stopped]
  restart_retries:
    description:
      - With O(restart_policy=on-failure), the maximum number of restarts. Default V(0), without limit.
      - It is changed as O(restart_policy) is. Restarts of before the change count, too.
    type: int
  healthcheck:
    description:
      - A command that checks whether the container is healthy. Suboptions that are not given have the image's value or
        Docker's default.
      - Durations are written as V(30s), V(1m30s) or V(500ms).
    type: dict
    suboptions:
      test:
        description:
          - The command, as one string for a shell, or as a list that begins with V(CMD) or V(CMD-SHELL).
          - V(NONE) disables the health check of the image.
        type: raw
      interval:
        description:
          - The time between two checks, at least V(1ms). Docker's default is V(30s).
        type: str
      timeout:
        description:
          - The maximum duration of a check. Docker's default is V(30s).
        type: str
      retries:
        description:
          - How many checks in a row must fail for the container to be unhealthy, at least V(1).
          - Docker's default is V(3).
        type: int
      start_period:
        description:
          - The time after a start in which failing checks do not count. Docker's default is V(0s).
        type: str
      start_interval:
        description:
          - The time between two checks in the start period. Docker's default is V(5s).
        type: str
  post_start:
    description:
      - Commands that run in the container after each start of its process, in their order. The container counts as
        started when all of them are done, and its health is checked from then on.
      - If one of them ends with another exit code than 0, the container is stopped, and the task fails.
      - Their output is in the log of the container.
    type: list
    elements: dict
    suboptions: &hook
      command:
        description:
          - The program and its arguments, as a list, or as a string that is split as a shell does. There is no shell
            unless the command starts one.
        type: raw
        required: true
      user:
        description:
          - The user, and the group after V(:), by name or number. By default that of the container.
        type: str
      working_dir:
        description:
          - An absolute path in the container. By default the working directory of the container.
        type: str
      env:
        description:
          - Variables that the command gets besides those of the container.
        type: dict
  pre_stop:
    description:
      - Commands that run in the container when it is to stop, in their order, before it gets O(stop_signal). They do
        not run if the container ends by itself or its VM is powered off.
      - They have O(stop_timeout), of which the container has the rest to stop. What takes longer is killed.
      - If one of them fails, this is in the log of the container, and the container is stopped nevertheless.
    type: list
    elements: dict
    suboptions: *hook
  stop_signal:
    description:
      - The signal that asks the container to stop, by name or number, such as V(SIGTERM), V(15), V(SIGRTMIN+3) or
        V(37). By default that of the image, or V(SIGTERM).
    type: str
  stop_timeout:
    description:
      - The seconds that the container has to stop before it is killed, with O(pre_stop). With V(0) it is killed
        immediately.
      - Without O(image), how long this task waits for it to stop.
      - Default V(10).
    type: int
  read_only:
    description:
      - Whether the container's root file system is read-only, without a writable layer.
      - Default V(false).
    type: bool
  writable:
    description:
      - Where the container's writable layer is stored.
      - V(disk) is a thin disk of the VM, which survives a stop and a vMotion and is removed with the VM.
      - V(tmpfs) is the VM's memory, which is empty again after each start.
      - Default V(disk).
    type: str
    choices: [disk, tmpfs]
  scratch_size:
    description:
      - The size of the disk or the limit of the tmpfs that O(writable) selects, at least V(64M) for a disk and V(1M)
        for V(tmpfs).
      - Default V(8G) for a disk, and half of the memory for V(tmpfs).
    type: str
  tmpfs:
    description:
      - Directories that are mounted as tmpfs, such as V(/tmp) or V(/run:size=64m,mode=0755).
    type: list
    elements: str
  volumes:
    description:
      - Volumes of M(gantry.vsphere.container_volume) in the container, each as V(NAME:PATH), V(NAME:PATH:ro) or
        V(NAME:PATH:nocopy).
      - A volume must exist. It is attached to the VM before its start, and can be used by one VM at a time. It is kept,
        with its data, when the container is replaced or removed.
      - A new volume is formatted with ext4 at its first use. It gets the files that the image has at the path, with
        their owners and modes, unless it is mounted with V(nocopy), as in Docker.
      - A copy of a volume has the identity of its source. A container that mounts it as a volume of its own gives it
        another one.
      - A change takes effect by a restart of the VM.
      - Paths of hosts cannot be mounted, because a container is a VM without a host whose files it could share.
    type: list
    elements: str
  mounts:
    description:
      - Volumes and tmpfs in a longer form than with O(volumes) and O(tmpfs).
    type: list
    elements: dict
    suboptions:
      type:
        description:
          - V(volume) is a volume of M(gantry.vsphere.container_volume), V(tmpfs) is in the VM's memory.
          - V(bind) is refused with what to write instead.
        type: str
        choices: [volume, tmpfs, bind]
        default: volume
      source:
        description:
          - The name of the volume.
        type: str
      target:
        description:
          - The path in the container.
        type: str
        required: true
      read_only:
        description:
          - Whether the container cannot write to the volume.
        type: bool
      no_copy:
        description:
          - Whether a new volume stays empty, without the files that the image has at the path.
        type: bool
      volume_driver:
        description:
          - Only V(local), which is what all volumes are. Others are refused.
        type: str
      volume_options:
        description:
          - Mounts a directory of an NFS server, with the options of Docker's driver C(local). C(type) is V(nfs),
            C(device) the path such as V(:/export), and C(o) has C(addr=) with the name or the address of the server.
          - In C(o) can also be C(ro), C(vers=), C(port=), C(hard), C(soft), C(timeo=), C(retrans=), C(rsize=),
            C(wsize=), C(nconnect=), C(noac) and others of the kernel. What is not supported is refused. Only NFS 4.0 to
            4.2 with C(sec=sys) is. Without C(vers=), it is the newest that the server has.
          - The container starts when all are mounted. It does not start if a server refuses that, or does not answer
            for two minutes.
          - O(mounts[].source), if given, only names the volume. Files of the image are not copied to the server.
        type: dict
      tmpfs_size:
        description:
          - The limit of the tmpfs, such as V(64M). Default is half of the VM's memory.
        type: str
      tmpfs_mode:
        description:
          - The mode of the tmpfs, such as V(0700). Default V(1777).
        type: str
  files:
    description:
      - Files that the container needs, such as its configuration. They are mounted read-only over those of the image.
      - They are sent to the guest by guest operations when the container starts for the first time, and after a
        change. This requires O(guest_operations=true). The guest keeps them on the container's own disk, so that
        vSphere HA, DRS and a restart of the virtual machine need no controller. They are in memory while the container
        runs.
      - A changed file restarts the container, unless it has a O(files[].signal). Results and diffs show a digest of the
        content, which is keyed with O(guest_key), and never the content.
      - At most 64 files and secrets with 4 MiB in all. Not possible with O(writable=tmpfs). A container with
        O(read_only=true) gets a disk of 64 MiB for them.
    type: list
    elements: dict
    suboptions:
      target:
        description: The absolute path of the file in the container. Directories that are missing are created.
        type: str
        required: true
      content:
        description:
          - The content as a text. A template is rendered with the lookup C(ansible.builtin.template).
          - One of O(files[].content), O(files[].content_base64) and O(files[].src) is required.
        type: raw
      content_base64:
        description: The content in base64, for what is not a text in UTF-8.
        type: str
      src:
        description:
          - A file of the controller, or a directory, whose files are mounted below O(files[].target).
          - A relative path is looked for as that of C(ansible.builtin.copy). A file that is encrypted with Ansible
            Vault is decrypted.
        type: path
      owner:
        description: The user that owns the file, as a name in the image or a number. Default V(0).
        type: str
        aliases: [uid]
      group:
        description:
          - The group of the file, as a name in the image or a number. By default the primary group of the owner.
        type: str
        aliases: [gid]
      mode:
        description:
          - The permissions as an octal number, such as V('0640'). Default V('0644'), and V('0755') for a file of
            O(files[].src) that is executable.
        type: raw
      signal:
        description:
          - The signal that the container's first process gets when only contents of O(files) and O(secrets) have
            changed that have a signal, such as V(SIGHUP). The file is replaced in the running container then, without
            a restart.
          - Each signal is sent once, after all files have been replaced. The program must handle it. A process that has
            opened a file before goes on reading what it had then.
          - If anything else has changed too, or a file without a signal, the container is restarted. So is one that was
            started from a bootstrap ISO of an earlier version, and one that has 1 MiB of replaced contents, which stay
            in memory until it is started again.
        type: str
        version_added: 1.1.0
  secrets:
    description:
      - Secrets that the container needs, such as passwords and keys. They are sent and kept as O(files) are, and appear
        in memory below C(/run/secrets).
      - No secret is in the properties of the virtual machine, in results, diffs or logs.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the secret, which is that of its file.
        type: str
        required: true
      target:
        description:
          - The path of the secret in the container. A relative one is below C(/run/secrets). Default
            O(secrets[].name).
        type: str
      content:
        description:
          - The content as a text. A template is rendered with the lookup C(ansible.builtin.template).
          - One of O(secrets[].content), O(secrets[].content_base64) and O(secrets[].src) is required.
        type: raw
      content_base64:
        description: The content in base64, for what is not a text in UTF-8.
        type: str
      src:
        description:
          - A file of the controller.
          - A relative path is looked for as that of C(ansible.builtin.copy). A file that is encrypted with Ansible
            Vault is decrypted.
        type: path
      owner:
        description: The user that owns the file, as a name in the image or a number. Default V(0).
        type: str
        aliases: [uid]
      group:
        description:
          - The group of the file, as a name in the image or a number. By default the primary group of the owner.
        type: str
        aliases: [gid]
      mode:
        description:
          - The permissions as an octal number, such as V('0640'). Default V('0444').
        type: raw
      signal:
        description:
          - The signal that the container's first process gets when only contents have changed that have a signal, as
            with O(files[].signal).
        type: str
        version_added: 1.1.0
  shm_size:
    description:
      - The size of C(/dev/shm), which is shared memory, such as V(256M). It is at least V(4K).
      - Default V(64M).
    type: str
  capabilities:
    description:
      - Linux capabilities in addition to Docker's default ones, or V(ALL).
    type: list
    elements: str
  cap_drop:
    description:
      - Linux capabilities that the container does not get, or V(ALL).
    type: list
    elements: str
  init:
    description:
      - Whether the program runs as the child of a small first process, which passes signals on to it and reaps orphans.
        It needs a few MiB of memory.
      - By default the program is the first process. Then a signal that it does not handle is ignored, and it must reap
        its orphans itself.
      - Default V(false).
    type: bool
  ulimits:
    description:
      - Resource limits of the container's processes, as V(name:soft) or V(name:soft:hard), such as
        V(nofile:1024:65536). V(-1) means unlimited.
      - The names are C(core), C(cpu), C(data), C(fsize), C(locks), C(memlock), C(msgqueue), C(nice), C(nofile),
        C(nproc), C(rss), C(rtprio), C(rttime), C(sigpending) and C(stack). By default C(nofile) is 1024 and at most
        524288, C(nproc) and C(sigpending) are unlimited, and the others have the kernel's defaults.
      - They also apply to health checks and to M(gantry.vsphere.container_vm_exec).
    type: list
    elements: str
  sysctls:
    description:
      - Settings of the kernel, with their values as strings, such as V(net.core.somaxconn) with V('1024').
      - The virtual machine has its own kernel. So not only the settings of namespaces are permitted, as with Docker,
        but also others, such as V(vm.swappiness). The container does not start if the kernel does not have a setting or
        refuses the value.
      - C(kernel.hostname) is given with O(container_hostname). C(kernel.core_pattern), C(kernel.hotplug),
        C(kernel.modprobe) and C(kernel.poweroff_cmd) are refused, since the kernel would run their program outside of
        the container.
    type: dict
  log_driver:
    description:
      - With V(syslog), the guest sends each line of the output to the syslog server of O(log_options), too. It requires
        a bootstrap ISO of this version.
      - With any value, the guest keeps the log that M(gantry.vsphere.container_vm_logs) reads.
      - Default V(json-file).
    type: str
    choices: [json-file, syslog]
  log_options:
    description:
      - Where and how lines are sent, in Docker's words. Only O(log_driver=syslog) has options, and
        C(syslog-address) is required.
      - C(syslog-address) is the server, such as V(udp://logs.example.com:514), V(tcp://192.0.2.7) or
        V(tcp+tls://logs.example.com). The port is 514 by default, and 6514 with TLS. The guest resolves the name as the
        container does. Messages are encrypted with TLS only, of version 1.2 or later.
      - C(syslog-tls-ca-cert) has the certificates of the CA that signed the server's, in PEM, or is a file with them on
        the controller, found as the C(src) of O(files). With TLS it is required, and the certificate of the server must
        name the host of the address as an alternative name. The times of certificates are checked by the clock of the
        VM, which the host sets.
      - C(syslog-tls-skip-verify) V("true") encrypts without verifying the server, so that anyone between the guest and
        the server can pretend to be it. No CA is given then.
      - C(syslog-tls-cert) and C(syslog-tls-key) are refused. The guest has no certificate of a client, since the key
        would be in the configuration of the VM. A server that requires one is reported in RV(container.syslog).
      - C(syslog-facility) is a name, such as V(daemon), which is the default, or V(local0), or a number from 0 to 23.
      - C(syslog-format) is V(rfc5424), the default, or V(rfc5424micro), whose times have microseconds. By TCP, each
        message is preceded by its length (RFC 6587, RFC 5425).
      - C(tag) is the name of the application in messages, at most 48 characters. C({{.Name}}), the default, and
        C({{.ImageName}}) stand for O(name) and O(image). In a playbook, write them with C(!unsafe).
      - The host in messages is O(container_hostname). Lines of stdout have the severity info, those of stderr err.
      - The container never waits for the server. Lines that cannot be sent wait in the log, so that O(log_max_size)
        limits how many. If the log drops some of them, a line in the log and RV(container.syslog) say how many.
      - At the end of the container, the guest sends the rest for at most 3 seconds.
    type: dict
  log_max_size:
    description:
      - The size of the log that the guest keeps of the container's output, at least V(16K). Each line takes 21 bytes
        more than its text. M(gantry.vsphere.container_vm_logs) reads it.
      - Default V(1M).
    type: str
  env_file:
    description:
      - A file of environment variables on the controller. Variables of O(env) override them.
      - A relative path is looked for as that of O(files[].src). A file that is encrypted with Ansible Vault is
        decrypted.
      - Each line is C(NAME=value). Empty lines and lines that begin with C(#) are ignored. As in Docker, quotes belong
        to the value.
      - The variables are stored and compared as those of O(env).
    type: str
  env_file_content:
    description:
      - The lines of a file of environment variables as a text, instead of O(env_file). A template is rendered with the
        lookup C(ansible.builtin.template).
    type: str
  datacenter:
    description:
      - The datacenter, by name or path. Required if there are several.
      - It also selects the container if several have this name.
    type: str
  cluster:
    description:
      - The cluster, or the standalone host, for a new container. Required if there are several.
      - DRS chooses the host. If DRS is off, or some hosts cannot run the container, the module chooses a host that has
        its datastores, its networks and its memory. If there is none, the task fails with the reasons, in check mode
        too.
      - For an existing container in another cluster see O(placement_drift).
    type: str
  resource_pool:
    description:
      - The resource pool, by name, by its path in the cluster (V(prod/web)), or by its inventory path.
      - By default the root pool of the cluster for a new container. An existing one stays where it is.
    type: str
  folder:
    description:
      - The folder, by its path below the datacenter's (V(apps/web)) or its inventory path (V(/DC0/vm/apps/web)).
      - By default the datacenter's VM folder for a new container. An existing one stays where it is.
      - A container with this name in another folder of the datacenter is moved, unless the folder already has one with
        this name. So names of containers should be unique in a datacenter.
      - It also selects the container if several have this name nevertheless.
    type: str
  datastore:
    description:
      - The datastore of a new container, which must have the image. By default the only one that has it.
      - For an existing container on another datastore see O(placement_drift).
    type: str
  bootstrap:
    description:
      - The bootstrap ISO, as V([datastore] path). By default the newest one on the container's datastore for a new
        container. An existing one keeps its ISO.
    type: str
  placement_drift:
    description:
      - What to do if an existing container is not on the O(datastore) or in the O(cluster) of the task, because Storage
        DRS, an administrator or M(gantry.vsphere.vm_vmotion) moved it. It is never replaced for that reason.
      - V(warn) leaves it where it is, with a warning.
      - V(relocate) moves it back to the O(datastore) by Storage vMotion, while it runs. If that datastore has the
        image, the container shares the image's disk again (C(moveAllDiskBackingsAndAllowSharing)). Otherwise the
        image's disk is copied with the container's (C(moveAllDiskBackingsAndDisallowSharing)). Another cluster is an
        error.
      - V(ignore) leaves it where it is.
      - The bootstrap ISO may stay on another datastore. Folder and resource pool are always those of the task.
    type: str
    choices: [relocate, warn, ignore]
    default: warn
  guest_operations:
    description:
      - Whether guest operations in the container are permitted, such as those of M(gantry.vsphere.container_vm_exec).
        They require the secret of the container, which is derived from O(guest_key). The guest refuses all others.
      - By default a new container permits none, and an existing one is not changed.
      - The guest reads the setting at its start. A running container is restarted if it changes, or if it is V(true)
        and O(guest_key) is another one. The diff says C(enabled), C(disabled) or C(enabled with another guest_key).
      - A bootstrap ISO of a version without guest operations refuses to start a container that permits them.
    type: bool
  guest_key:
    description:
      - The key from which the secret of the container is derived, with at least 16 characters. Use a random one, such
        as the output of C(openssl rand -base64 32), and keep it in a vault.
      - Required with O(guest_operations=true), and to replace a container whose guest operations are enabled. Without
        O(guest_operations) the key changes nothing.
      - The default is the environment variable E(GANTRY_GUEST_KEY).
      - Neither the key nor the secret is stored in vCenter. The VM's C(extraConfig) has the SHA-256 of the secret.
    type: str
  notes:
    description:
      - The notes of the virtual machine. By default they are not managed.
    type: str
    aliases: [annotation]
  comparisons:
    description:
      - How options are compared with an existing container, as a dictionary of V(strict), V(ignore) and
        V(allow_more_present) by the names of options. All others are compared with V(strict).
      - With V(strict), the container gets the value of the task, or the default of an option that is not given.
      - With V(ignore), it keeps its own. An ignored O(image) keeps the image of the container, whose template must
        still exist. Ignored O(memory), O(cpus), labels, reservations, limits and shares stay as they are in vSphere,
        also if other clients have changed them.
      - With V(allow_more_present), it keeps what the task does not list. What the task lists is added, or replaces the
        item with the same key, name or target. This is for lists and dictionaries, except O(command), O(entrypoint),
        O(healthcheck), O(files) and O(secrets).
      - The key C(*) is for all options that are not named, and has V(strict) or V(ignore).
      - O(files) and O(secrets) are delivered together, and so compared in the same way.
      - A new container, and one that is replaced for another reason, gets the values of the task. A container that is
        changed in place keeps the ignored options, while Docker would create it again with the values of the task.
      - Requires O(image). Only options of the configuration can be compared.
    type: dict
  recreate:
    description:
      - Whether to replace the container by a new one even if nothing has changed. Its writable layer is lost.
    type: bool
    default: false
  restart:
    description:
      - Stops a running container and starts it again, whatever else the task changes. Each run with V(true) is a
        change.
      - It stops at most once. A container that the task replaces, or that does not run, is only started.
      - Requires a O(state) in which the container runs.
    type: bool
    default: false
  force_kill:
    description:
      - Whether to power the virtual machine off, instead of a graceful stop, whenever the container has to be stopped.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait after a start until the container runs, or with O(state=healthy) until it is healthy.
      - If the container ends with an exit code other than 0 during the wait, or cannot be started, the task fails, and
        the end of its output is in the message.
    type: bool
    default: true
  wait_timeout:
    description:
      - The maximum time to wait in seconds, at least V(1).
    type: int
    default: 300
  healthy_wait_timeout:
    description:
      - The maximum time in seconds to wait until a container that runs is healthy, at least V(1). It begins when the
        container runs, and O(wait_timeout) is then for its start only.
      - By default, O(wait_timeout) is for both.
    type: int
seealso:
  - module: gantry.vsphere.container_image
  - module: gantry.vsphere.container_network
  - module: gantry.vsphere.container_vm_info
  - module: gantry.vsphere.bootstrap_image
  - module: gantry.vsphere.resource_pool
  - module: gantry.vsphere.vm_folder
notes:
  - vCenter does not clone a template whose host is not connected or in maintenance mode. The module then moves the
    image's template to another host first, as M(gantry.vsphere.container_image) does. This requires privileges in the
    folder of the images that the preset V(deployer) of M(gantry.vsphere.access) does not have.
  - vSphere discards the guest's reports when its VM powers off. The exit code and the output of a container that ended
    while no task waited for it are then unknown.
"""

EXAMPLES = r"""
- name: Run a web server
  gantry.vsphere.container_vm:
    name: web
    image: registry.example.com/nginx:1.27
    state: healthy
    memory: 128M
    networks:
      - name: VM Network
    healthcheck:
      test: curl --fail http://localhost/
      interval: 5s
    restart_policy: always
  register: web

- name: Show its address
  ansible.builtin.debug:
    msg: "http://{{ web.container.ip_addresses[0] }}/"

- name: Run a database with a static address, in its own resource pool and folder
  gantry.vsphere.container_vm:
    name: redis
    image: registry.example.com/redis@sha256:0f0a5c3c2f1c2cbb4b8a8b3fd9dbe9d85e7dd0cd6f3c6bdaf0d4a8b0c1f2e3d4
    command: [redis-server, --appendonly, 'yes']
    memory: 1G
    cpus: 2
    scratch_size: 20G
    networks:
      - name: backend
        ipv4_address: 10.20.0.5/24
        gateway: 10.20.0.1
        ipv6_address: fd00:20::5/64
    dns_servers: [10.20.0.1]
    cluster: Cluster1
    resource_pool: prod/databases
    folder: apps/databases
    datastore: vsan0

- name: Run a web server with a configuration file and a secret
  gantry.vsphere.container_vm:
    name: shop
    image: registry.example.com/shop:1.4
    guest_operations: true
    guest_key: "{{ vault_guest_key }}"
    files:
      - target: /etc/shop.conf
        content: "{{ lookup('ansible.builtin.template', 'shop.conf.j2') }}"
        owner: shop
        mode: '0640'
    secrets:
      - name: db_password
        content: "{{ vault_db_password }}"

- name: Stop the database, whatever its configuration
  gantry.vsphere.container_vm:
    name: redis
    state: stopped

- name: Remove the database and what it has written
  gantry.vsphere.container_vm:
    name: redis
    state: absent
"""

RETURN = r"""
container:
  description:
    - The container after the task, or in check mode as it would be. V(null) if it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: The name of the container and its VM.
      type: str
      returned: always
      sample: web
    id:
      description: The identity of the container, new with each creation.
      type: str
      returned: always
      sample: 8d0c4a52-3f7e-4a3b-9d6e-0a1b2c3d4e5f
    moid:
      description: The managed object id of the VM.
      type: str
      returned: always
      sample: vm-1042
    instance_uuid:
      description: The instance UUID of the VM.
      type: str
      returned: always
      sample: 50219d3c-5e5f-4d0e-9c55-2d0b6f1f3c11
    image:
      description: The reference of the image as it was given.
      type: str
      returned: always
      sample: registry.example.com/nginx:1.27
    image_digest:
      description: The digest of the image.
      type: str
      returned: always
      sample: sha256:4c0fdaa8b6341bfdeca5f18f7837462c80cff90527ee35ef185571e1c327beac
    state:
      description: The state of the VM, V(running), V(stopped) or V(suspended).
      type: str
      returned: always
      sample: running
    status:
      description:
        - The state of the container, one of V(created), V(booting), V(running), V(restarting), V(stopping),
          V(suspended), V(exited) and V(error).
      type: str
      returned: always
      sample: running
    exit_code:
      description:
        - The exit code of a container that has ended, if it is known.
        - The VM of a container that has ended stays on for a minute, unless a task of M(gantry.vsphere.container_vm) or
          M(gantry.vsphere.container_set) sees it and records the end. vSphere can discard an end that no task has seen.
      type: int
      returned: always
      sample: 0
    oom_killed:
      description: Whether a process of the run that has ended was killed because the container ran out of memory.
      type: bool
      returned: always
      sample: false
    restart_count:
      description: How often the guest has restarted the container.
      type: int
      returned: always
      sample: 0
    health:
      description: V(starting), V(healthy), V(unhealthy), or V(none) without a health check; V(null) when not running.
      type: str
      returned: always
      sample: healthy
    health_output:
      description: The output of the last health check.
      type: str
      returned: always
      sample: ok
    error:
      description: Why the container could not be started, with C(code) and C(message), or V(null).
      type: dict
      returned: always
      sample:
        code: user_unknown
        message: there is no user www in the image
    syslog:
      description:
        - What the guest has reported about sending the output to a syslog server.
        - It is V(none) if it is not sent, or if nothing went wrong.
      type: dict
      returned: always
      contains:
        dropped:
          description: How many lines were not sent.
          type: int
          returned: always
        error:
          description: Why lines cannot be sent now. V(none) if they can.
          type: str
          returned: always
      sample:
        dropped: 12
        error: null
    document_source:
      description:
        - Where the guest has found the document of the container at its last start, if it is known.
        - V(guestinfo), in the settings of the VM.
        - V(scratch_disk), on its own scratch disk, because vSphere had dropped the setting. That is so if HA or another
          client has started a container that was edited while it ran. M(gantry.vsphere.container_vm) and
          M(gantry.vsphere.container_set) restore the setting before they start the container.
      type: str
      returned: always
      sample: guestinfo
    started_at:
      description: When the container was started, by the guest's clock.
      type: str
      returned: always
      sample: '2026-03-01T12:00:00Z'
    finished_at:
      description: When the container ended, by the guest's clock.
      type: str
      returned: always
      sample: '2026-03-01T13:00:00Z'
    ip_addresses:
      description: The addresses of the container, IPv4 first, without link-local ones.
      type: list
      elements: str
      returned: always
      sample: [10.77.0.12]
    networks:
      description: The network adapters as the guest sees them.
      type: list
      elements: dict
      returned: always
      contains:
        network:
          description: The name of the port group.
          type: str
          returned: always
          sample: VM Network
        mac_address:
          description: The MAC address.
          type: str
          returned: always
          sample: 00:50:56:a1:b2:c3
        connected:
          description: Whether it is connected.
          type: bool
          returned: always
          sample: true
        ip_addresses:
          description: Its addresses, including link-local ones.
          type: list
          elements: str
          returned: always
          sample: [10.77.0.12, 'fe80::250:56ff:fea1:b2c3']
    configured_addresses:
      description:
        - The static IPv4 addresses that the container is configured with, in the order of its networks. V(null) is DHCP
          or none. In check mode, another task can be given a predicted address before this one.
      type: list
      elements: str
      returned: always
      sample: [10.20.0.17/24]
    configured_ipv6_addresses:
      description:
        - The static IPv6 addresses that the container is configured with, in the order of its networks. V(null) stands
          for those that routers advertise or none.
      type: list
      elements: str
      returned: always
      sample: ['fd00:20::11/64']
    hostname:
      description: The host name in the container.
      type: str
      returned: always
      sample: web
    published_ports:
      description: The published ports that the task has listed, with their protocols.
      type: list
      elements: str
      returned: always
      sample: [80/tcp, "8443:443/tcp"]
    labels:
      description: The labels.
      type: dict
      returned: always
      sample:
        tier: front
    memory:
      description: The memory of the VM in bytes.
      type: int
      returned: always
      sample: 134217728
    cpus:
      description: The number of virtual CPUs.
      type: int
      returned: always
      sample: 1
    cpu_hot_add:
      description: Whether CPUs can be added while the container runs.
      type: bool
      returned: always
      sample: false
    memory_hot_add:
      description: Whether memory can be added while the container runs.
      type: bool
      returned: always
      sample: false
    notes:
      description: The notes of the VM.
      type: str
      returned: always
      sample: owned by the web team
    host:
      description: The host that the VM is on.
      type: str
      returned: always
      sample: esx1.example.com
    datacenter:
      description: The datacenter.
      type: str
      returned: always
      sample: DC0
    cluster:
      description: The cluster, or the single host.
      type: str
      returned: always
      sample: Cluster1
    resource_pool:
      description: The resource pool.
      type: str
      returned: always
      sample: Resources
    folder:
      description: The path of the folder.
      type: str
      returned: always
      sample: /DC0/vm/apps
    path:
      description: The path of the VM.
      type: str
      returned: always
      sample: /DC0/vm/apps/web
    datastore:
      description: The datastore of the VM.
      type: str
      returned: always
      sample: vsan0
    bootstrap:
      description: The bootstrap ISO of the VM.
      type: str
      returned: always
      sample: '[vsan0] gantry/bootstrap/gantry-bootstrap-1.0.0-0123456789ab.iso'
    guest_operations:
      description: Whether guest operations in the container are permitted with its secret.
      type: bool
      returned: always
      sample: false
actions:
  description: The actions in their order. In check mode, the actions that would be done.
  returned: success
  type: list
  elements: str
  sample: [create web from registry.example.com/nginx:1.27, start web]
effects:
  description:
    - How the container, if it exists, is changed, and because of which options. In check mode, how it would be changed.
    - The list is empty if the container is not changed, or only created, started, stopped or removed. With C(--diff),
      the header of the state after the task has the same.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the container.
      type: str
      returned: always
      sample: web
    effect:
      description:
        - V(in place) if it is changed without a restart. If it runs, it goes on running.
        - V(restarted) if it is stopped, changed and started again. It keeps its VM and its writable layer.
        - V(replaced) if it gets a new VM, without the files of its writable layer.
      type: str
      returned: always
      sample: restarted
    options:
      description:
        - The options that are the reason. With V(in place), all that are changed. Other options can be changed in the
          same restart or replacement.
        - It can be a setting of the VM that was changed by another client, with its name in the diff.
      type: list
      elements: str
      returned: always
      sample: [env]
submitted:
  description: The requests that vCenter had accepted before the task failed. They may have been carried out.
  returned: failure, when something was submitted
  type: list
  elements: dict
log:
  description: The end of the output of a container that failed to start.
  returned: failure, when the container has written something
  type: str
  sample: cannot open /etc/app.conf
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._container.operation import ContainerVm
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(ContainerVm())


if __name__ == "__main__":
    main()
