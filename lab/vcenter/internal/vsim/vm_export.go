// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Exports: a lease, through which the disks of a VM or of a snapshot are downloaded. While it is held, "operations that alter
// the state of the virtual machines covered by the lease are blocked", and its task runs (API, HttpNfcLease).

package vsim

import (
	"crypto/sha1"
	"encoding/hex"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// exportVM implements ExportVm. "InvalidPowerState: thrown if the virtual machine is powered on"; "TaskInProgress: thrown if
// the virtual machine is busy".
func (s *Server) exportVM(ctx *simulator.Context, request *types.ExportVm) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	if state := s.powerState(vm); state != types.VirtualMachinePowerStatePoweredOff {
		return nil, wrongPowerState(state, types.VirtualMachinePowerStatePoweredOff)
	}
	lease, fault := s.export(ctx, vm, vm.Config)
	if fault != nil {
		return nil, fault
	}
	return &methods.ExportVmBody{Res: &types.ExportVmResponse{Returnval: lease}}, nil
}

// exportSnapshot implements ExportSnapshot: the VM may be running, as the disks of a snapshot do not change.
func (s *Server) exportSnapshot(ctx *simulator.Context, request *types.ExportSnapshot) (soap.HasFault, types.BaseMethodFault) {
	snapshot, vm := s.snapshotOf(request.This)
	lease, fault := s.export(ctx, vm, &snapshot.Config)
	if fault != nil {
		return nil, fault
	}
	return &methods.ExportSnapshotBody{Res: &types.ExportSnapshotResponse{Returnval: lease}}, nil
}

func (s *Server) export(ctx *simulator.Context, vm *simulator.VirtualMachine, config *types.VirtualMachineConfigInfo) (ref, types.BaseMethodFault) {
	lock := s.operations.of(vm.Self)
	if !lock.TryRLock() {
		return ref{}, taskInProgress(s.runningTask(vm))
	}
	defer lock.RUnlock()
	if s.vm(vm.Self) != vm {
		return ref{}, &types.ManagedObjectNotFound{Obj: vm.Self}
	}
	devices := copied(*config).Hardware.Device
	lease := s.newLease(true)
	started := make(chan struct{})
	task := s.start(ctx, vm.Self, "VirtualMachine.ExportVmLRO", func(cause) (types.AnyType, types.BaseMethodFault) {
		<-started
		for _, disk := range disksOf(devices) {
			if _, err := s.stores.Chain(diskPath(disk)); err != nil {
				fault := fileFault(diskPath(disk), err)
				lease.fail(fault)
				return nil, fault
			}
		}
		lease.ready(vm, devices)
		select {
		case <-lease.gone:
			return nil, lease.outcome
		case <-s.closing:
			return nil, &types.RequestCanceled{}
		}
	})
	lease.mu.Lock()
	lease.vm, lease.task = vm, task
	lease.mu.Unlock()
	close(started)
	return lease.Self, nil
}

func taskInProgress(task ref) types.BaseMethodFault {
	return &types.TaskInProgress{Task: task}
}

// exportOf returns the task of an export of a VM that is in progress, or nil.
func (l *leases) exportOf(vm ref) *ref {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lease := range l.open {
		if lease.exports(vm) {
			return &lease.task
		}
	}
	return nil
}

func (l *Lease) exports(vm ref) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.export && !l.over && l.vm != nil && l.vm.Self == vm
}

// runningTask returns the task of a VM that is running.
func (s *Server) runningTask(vm *simulator.VirtualMachine) ref {
	var recent []ref
	s.locked(vm, func(*simulator.Context) { recent = slices.Clone(vm.RecentTask) })
	for _, reference := range recent {
		task, ok := s.registry.Get(reference).(*simulator.Task)
		if !ok {
			continue
		}
		var state types.TaskInfoState
		s.locked(task, func(*simulator.Context) { state = task.Info.State })
		if state == types.TaskInfoStateRunning {
			return reference
		}
	}
	return ref{}
}

// download is the stream of one disk to a client.
type download struct {
	client  io.Writer
	sum     hash.Hash
	size    int64
	failure error // why the client could not be sent more
}

func (d *download) Write(data []byte) (int, error) {
	n, err := d.client.Write(data)
	d.sum.Write(data[:n])
	d.size, d.failure = d.size+int64(n), err
	return n, err
}

// sendDisk sends one disk as a stream-optimized VMDK, for as long as the client takes it.
func (s *Server) sendDisk(w http.ResponseWriter, r *http.Request, lease *Lease, name string) {
	connection := http.NewResponseController(w)
	disk, finish, found := lease.begin(name, func() {
		if err := connection.SetWriteDeadline(time.Now()); err != nil {
			slog.Error("a download cannot be aborted", "error", err)
		}
	})
	if !found {
		http.Error(w, noLease, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/x-vnd.vmware-streamVmdk")
	stream := &download{client: w, sum: sha1.New()}
	err := s.stores.ExportDisk(disk.place, stream)
	if err == nil {
		lease.sent(name, stream)
	}
	finish()
	if err == nil {
		return
	}
	if stream.failure == nil {
		lease.fail(fileFault(disk.place, err))
	}
	panic(http.ErrAbortHandler) // so that the client does not take what it has for the whole disk
}

// sent records a completed download for the manifest.
func (l *Lease) sent(name string, stream *download) {
	l.mu.Lock()
	defer l.mu.Unlock()
	disk := l.disks[name]
	disk.sent = &types.HttpNfcLeaseManifestEntry{Key: disk.key, Sha1: hex.EncodeToString(stream.sum.Sum(nil)),
		Size: stream.size, Disk: true, Capacity: disk.capacity}
	l.disks[name] = disk
}

// leaseManifest implements HttpNfcLeaseGetManifest: "a manifest for downloaded (exported) files and disks".
func (s *Server) leaseManifest(_ *simulator.Context, request *types.HttpNfcLeaseGetManifest) (soap.HasFault, types.BaseMethodFault) {
	lease := s.leaseOf(request.This)
	lease.mu.Lock()
	defer lease.mu.Unlock()
	if lease.expiry == nil || lease.over {
		return nil, invalidState("The " + lease.purpose() + " is not in progress.")
	}
	entries := []types.HttpNfcLeaseManifestEntry{}
	for _, disk := range lease.disks {
		if disk.sent != nil {
			entries = append(entries, *disk.sent)
		}
	}
	slices.SortFunc(entries, func(a, b types.HttpNfcLeaseManifestEntry) int { return strings.Compare(a.Key, b.Key) })
	return &methods.HttpNfcLeaseGetManifestBody{Res: &types.HttpNfcLeaseGetManifestResponse{Returnval: entries}}, nil
}
