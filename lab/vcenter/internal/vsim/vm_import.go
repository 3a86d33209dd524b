// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Imports: ImportVApp creates a VM and a lease, through which its disks are uploaded. If the lease fails, is aborted or
// times out, the VM is removed.

package vsim

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func (s *Server) importVApp(ctx *simulator.Context, request *types.ImportVApp) (soap.HasFault, types.BaseMethodFault) {
	spec, ok := request.Spec.(*types.VirtualMachineImportSpec)
	if !ok {
		return nil, notSupported("The lab imports single virtual machines only.")
	}
	folder := s.datacenterOf(request.This).VmFolder
	if request.Folder != nil {
		folder = *request.Folder
	}
	to, fault := s.resolve(folder, &request.This, request.Host)
	if fault != nil {
		return nil, fault
	}
	lease := s.newLease(false)
	by := causeOf(ctx)
	go func() {
		_, fault := contained("ImportVApp", by, func(by cause) (types.AnyType, types.BaseMethodFault) {
			vm, fault := s.create(by, to, &spec.ConfigSpec)
			if fault == nil {
				lease.ready(vm, vm.Config.Hardware.Device)
			}
			return nil, fault
		})
		if fault != nil {
			lease.fail(fault)
		}
	}()
	return &methods.ImportVAppBody{Res: &types.ImportVAppResponse{Returnval: lease.Self}}, nil
}

// receiveDisk receives the upload of one disk.
func (s *Server) receiveDisk(w http.ResponseWriter, r *http.Request, lease *Lease, name string) {
	connection := http.NewResponseController(w)
	writing, stopWriting := context.WithCancel(r.Context())
	defer stopWriting()
	disk, finish, found := lease.begin(name, func() {
		stopWriting()
		if err := connection.SetReadDeadline(time.Now()); err != nil {
			slog.Error("an upload cannot be aborted", "error", err)
		}
	})
	if !found {
		http.Error(w, noLease, http.StatusNotFound)
		return
	}
	place := disk.place
	err := s.stores.ImportDisk(place, r.Body)
	if err == nil {
		s.write(writing)
	}
	finish()
	switch {
	case err == nil:
		s.publishFree(place.Store)
		w.WriteHeader(http.StatusCreated)
	case r.Context().Err() != nil:
		// The connection was lost: the client may try again until the lease times out.
		slog.Warn("an upload was interrupted", "disk", place.String(), "error", err)
	default:
		lease.fail(uploadFault(place, err))
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// write waits as a host does that has received a disk and has not written all of it yet.
func (s *Server) write(ctx context.Context) {
	select {
	case <-time.After(s.Behavior().uploadAnswerDelay()):
	case <-ctx.Done():
	case <-s.closing:
	}
}
