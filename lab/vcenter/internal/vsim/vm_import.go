// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Imports: ImportVApp creates a VM and a lease, through which its disks are uploaded. If the lease fails, is aborted or
// times out, the VM is removed.

package vsim

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/certificates"
	"gantry.invalid/lab/vcenter/internal/datastore"
)

const nfcPrefix = "/nfc/"

// Lease is a HttpNfcLease.
type Lease struct {
	mo.HttpNfcLease
	server *Server
	ticket string // in the URLs; it authorizes uploads

	mu      sync.Mutex
	vm      *simulator.VirtualMachine
	disks   map[string]datastore.Path // by the name in the URL
	expiry  *time.Timer
	uploads map[int]func() // aborts each upload in progress
	running sync.WaitGroup // uploads in progress
	last    int
	over    bool
	gone    chan struct{} // closed when the lease has ended and its clean-up is done
}

type leases struct {
	mu   sync.Mutex
	open map[ref]*Lease
}

func (l *leases) stopAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lease := range l.open {
		lease.stopClock()
	}
}

func (l *leases) withTicket(ticket string) *Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lease := range l.open {
		if lease.ticket == ticket {
			return lease
		}
	}
	return nil
}

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
	lease := &Lease{server: s, ticket: uuid.NewString(), disks: map[string]datastore.Path{}, uploads: map[int]func(){}, gone: make(chan struct{})}
	lease.Self = ref{Type: "HttpNfcLease", Value: fmt.Sprintf("session[%s]%s", uuid.NewString(), uuid.NewString())}
	lease.State, lease.Mode = types.HttpNfcLeaseStateInitializing, string(types.HttpNfcLeaseModePushOrGet)
	lease.Capabilities = types.HttpNfcLeaseCapabilities{}
	s.registry.Put(lease)
	s.leases.mu.Lock()
	s.leases.open[lease.Self] = lease
	s.leases.mu.Unlock()
	by := causeOf(ctx)
	go func() {
		_, fault := contained("ImportVApp", by, func(by cause) (types.AnyType, types.BaseMethodFault) {
			vm, fault := s.create(by, to, &spec.ConfigSpec)
			if fault == nil {
				lease.ready(vm)
			}
			return nil, fault
		})
		if fault != nil {
			lease.fail(fault)
		}
	}()
	return &methods.ImportVAppBody{Res: &types.ImportVAppResponse{Returnval: lease.Self}}, nil
}

// ready publishes the upload URLs of the disks.
func (l *Lease) ready(vm *simulator.VirtualMachine) {
	s := l.server
	info := types.HttpNfcLeaseInfo{Lease: l.Self, Entity: vm.Self, LeaseTimeout: int32(s.config.LeaseTimeoutSeconds)}
	address, thumbprint, certificate := s.uploadAddress(*vm.Runtime.Host)
	l.mu.Lock()
	l.vm = vm
	for number, disk := range disksOf(vm.Config.Hardware.Device) {
		name := fmt.Sprintf("disk-%d.vmdk", number)
		l.disks[name] = diskPath(disk)
		key := diskKey(vm.Config.Hardware.Device, disk)
		info.DeviceUrl = append(info.DeviceUrl, types.HttpNfcLeaseDeviceUrl{
			Key: "/" + vm.Self.Value + "/" + key, ImportKey: importKey(vm.Name, key),
			Url: fmt.Sprintf("https://%s%s%s/%s", address, nfcPrefix, l.ticket, name), SslThumbprint: thumbprint, SslCertificate: certificate,
			Disk: types.NewBool(true), TargetId: name, DatastoreKey: vm.Datastore[0].Value})
		info.TotalDiskCapacityInKB += disk.CapacityInKB
	}
	l.expiry = time.AfterFunc(l.timeout(), l.expire)
	l.mu.Unlock()
	s.update(l, set("info", info), set("initializeProgress", int32(100)), set("state", types.HttpNfcLeaseStateReady))
}

// uploadAddress returns the address in the URLs of a lease, and the thumbprint of the certificate there. Since 9.0 a lease has the
// certificate, too.
func (s *Server) uploadAddress(host ref) (address, thumbprint, certificate string) {
	behavior := s.Behavior()
	if behavior.UploadURL == "vcenter" {
		_, port, _ := net.SplitHostPort(s.config.Listen) // config has checked it
		return "*:" + port, "", ""
	}
	if behavior.knowsCertificates() {
		certificate = certificates.PEM(s.nfcHosts[host].certificate)
	}
	return s.nfcHosts[host].address, s.nfcHosts[host].thumbprint(behavior.HostThumbprint), certificate
}

func (l *Lease) timeout() time.Duration {
	return time.Duration(l.server.config.LeaseTimeoutSeconds) * time.Second
}

func (l *Lease) stopClock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.expiry != nil {
		l.expiry.Stop()
	}
}

// expire ends a lease whose client has reported no progress.
func (l *Lease) expire() {
	fault := &types.Timedout{}
	because(&fault.MethodFault, fmt.Sprintf("The client of the import reported no progress for %v.", l.timeout()))
	l.fail(fault)
}

// end ends the lease. It returns true only for the first caller.
func (l *Lease) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	l.over = true
	if l.expiry != nil {
		l.expiry.Stop()
	}
	return true
}

// fail removes the imported VM. The lease remains with its error.
func (l *Lease) fail(fault types.BaseMethodFault) {
	if !l.end() {
		return
	}
	slog.Warn("an import failed", "fault", faultText(fault))
	l.discard()
	l.server.update(l, set("error", *localized(fault)), set("state", types.HttpNfcLeaseStateError))
	l.close()
}

// discard aborts the uploads, waits for their end and destroys the VM.
func (l *Lease) discard() {
	if l.vm == nil {
		return
	}
	l.mu.Lock()
	for _, breakOff := range l.uploads {
		breakOff()
	}
	l.mu.Unlock()
	l.running.Wait()
	destroy := l.server.exclusive(l.vm, func(by cause) (types.AnyType, types.BaseMethodFault) { return nil, l.server.destroy(by, l.vm) })
	_, fault := destroy(cause{})
	if _, isGone := fault.(*types.ManagedObjectNotFound); fault != nil && !isGone { // the client may have destroyed it
		slog.Error("the VM of an import was not removed", "vm", l.vm.Name, "fault", faultText(fault))
	}
}

func (l *Lease) close() {
	l.server.leases.mu.Lock()
	delete(l.server.leases.open, l.Self)
	l.server.leases.mu.Unlock()
	close(l.gone)
}

func (s *Server) leaseOf(reference ref) *Lease {
	lease, _ := s.registry.Get(reference).(*Lease)
	return lease
}

func (s *Server) completeLease(_ *simulator.Context, request *types.HttpNfcLeaseComplete) (soap.HasFault, types.BaseMethodFault) {
	lease := s.leaseOf(request.This)
	lease.mu.Lock()
	ready, busy := lease.vm != nil && !lease.over, len(lease.uploads) > 0
	lease.mu.Unlock()
	if !ready || busy || !lease.end() {
		return nil, invalidState("The import is not ready to be completed.")
	}
	s.refreshFiles(lease.vm)
	s.update(lease, set("transferProgress", int32(100)), set("state", types.HttpNfcLeaseStateDone))
	lease.close()
	return &methods.HttpNfcLeaseCompleteBody{Res: &types.HttpNfcLeaseCompleteResponse{}}, nil
}

func (s *Server) abortLease(_ *simulator.Context, request *types.HttpNfcLeaseAbort) (soap.HasFault, types.BaseMethodFault) {
	lease := s.leaseOf(request.This)
	if !lease.end() {
		// The client may abort a lease that has just failed.
		<-lease.gone
		return &methods.HttpNfcLeaseAbortBody{Res: &types.HttpNfcLeaseAbortResponse{}}, nil
	}
	lease.discard()
	fault := request.Fault
	if fault == nil {
		fault = localized(&types.RequestCanceled{})
	}
	s.update(lease, set("error", *fault), set("state", types.HttpNfcLeaseStateError))
	lease.close()
	return &methods.HttpNfcLeaseAbortBody{Res: &types.HttpNfcLeaseAbortResponse{}}, nil
}

// progressLease implements HttpNfcLeaseProgress, which renews the lease's timeout.
func (s *Server) progressLease(_ *simulator.Context, request *types.HttpNfcLeaseProgress) (soap.HasFault, types.BaseMethodFault) {
	lease := s.leaseOf(request.This)
	lease.mu.Lock()
	alive := lease.expiry != nil && !lease.over
	if alive {
		lease.expiry.Reset(lease.timeout())
	}
	lease.mu.Unlock()
	if !alive {
		return nil, invalidState("The import is not in progress.")
	}
	s.update(lease, set("transferProgress", request.Percent))
	return &methods.HttpNfcLeaseProgressBody{Res: &types.HttpNfcLeaseProgressResponse{}}, nil
}

// serveUpload receives the upload of one disk at the host, or at vCenter if it is nil. The ticket in the URL identifies the
// lease.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request, host *ref) {
	s.recordHTTP(r)
	if r.Method != http.MethodPut && r.Method != http.MethodPost {
		http.Error(w, "Disks are uploaded by PUT or POST.", http.StatusMethodNotAllowed)
		return
	}
	ticket, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, nfcPrefix), "/")
	lease := s.leases.withTicket(ticket)
	if lease != nil && host != nil && lease.host() != *host {
		lease = nil
	}
	connection := http.NewResponseController(w)
	writing, stopWriting := context.WithCancel(r.Context())
	defer stopWriting()
	place, finish, found := lease.begin(name, func() {
		stopWriting()
		if err := connection.SetReadDeadline(time.Now()); err != nil {
			slog.Error("an upload cannot be aborted", "error", err)
		}
	})
	if !found {
		http.Error(w, "There is no such import.", http.StatusNotFound)
		return
	}
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

func (l *Lease) host() ref {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.vm.Runtime.Host
}

// begin registers an upload until finish is called.
func (l *Lease) begin(name string, breakOff func()) (place datastore.Path, finish func(), found bool) {
	if l == nil {
		return datastore.Path{}, nil, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if place, found = l.disks[name]; !found || l.over {
		return datastore.Path{}, nil, false
	}
	l.last++
	number := l.last
	l.uploads[number] = breakOff
	l.running.Add(1)
	return place, func() {
		l.mu.Lock()
		delete(l.uploads, number)
		l.mu.Unlock()
		l.running.Done()
	}, true
}
