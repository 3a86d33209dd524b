// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Leases of imports and exports (HttpNfcLease): the URLs of disks, progress, and the end.

package vsim

import (
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
	"gantry.invalid/lab/vcenter/internal/clock"
	"gantry.invalid/lab/vcenter/internal/datastore"
)

const nfcPrefix = "/nfc/"

// Lease is a HttpNfcLease.
type Lease struct {
	mo.HttpNfcLease
	server *Server
	ticket string // in the URLs; it authorizes transfers
	export bool
	task   ref // of an export; it lasts as long as the lease

	mu        sync.Mutex
	vm        *simulator.VirtualMachine
	disks     map[string]leasedDisk // by the name in the URL
	expiry    *clock.Timer
	transfers map[int]func() // aborts each transfer in progress
	running   sync.WaitGroup // transfers in progress
	last      int
	over      bool
	outcome   types.BaseMethodFault // nil: the lease was completed; valid when it is gone
	gone      chan struct{}         // closed when the lease has ended and its clean-up is done
}

// leasedDisk is a disk that a lease gives access to.
type leasedDisk struct {
	place    datastore.Path
	key      string // of its device URL
	capacity int64
	sent     *types.HttpNfcLeaseManifestEntry // nil: it has not been downloaded
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

// newLease registers a lease that is not ready yet.
func (s *Server) newLease(export bool) *Lease {
	lease := &Lease{server: s, ticket: uuid.NewString(), export: export, disks: map[string]leasedDisk{}, transfers: map[int]func(){},
		gone: make(chan struct{})}
	lease.Self = ref{Type: "HttpNfcLease", Value: fmt.Sprintf("session[%s]%s", uuid.NewString(), uuid.NewString())}
	lease.State, lease.Mode = types.HttpNfcLeaseStateInitializing, string(types.HttpNfcLeaseModePushOrGet)
	lease.Capabilities = types.HttpNfcLeaseCapabilities{}
	s.registry.Put(lease)
	s.leases.mu.Lock()
	s.leases.open[lease.Self] = lease
	s.leases.mu.Unlock()
	return lease
}

// ready publishes the URLs of the disks among the devices of a VM.
func (l *Lease) ready(vm *simulator.VirtualMachine, devices []types.BaseVirtualDevice) {
	s := l.server
	info := types.HttpNfcLeaseInfo{Lease: l.Self, Entity: vm.Self, LeaseTimeout: int32(s.config.LeaseTimeoutSeconds)}
	address, thumbprint, certificate := s.nfcAddress(*vm.Runtime.Host)
	l.mu.Lock()
	l.vm = vm
	for number, disk := range disksOf(devices) {
		name := fmt.Sprintf("disk-%d.vmdk", number)
		key := diskKey(devices, disk)
		url := types.HttpNfcLeaseDeviceUrl{Key: "/" + vm.Self.Value + "/" + key,
			Url:           fmt.Sprintf("https://%s%s%s/%s", address, nfcPrefix, l.ticket, name),
			SslThumbprint: thumbprint, SslCertificate: certificate,
			Disk: types.NewBool(true), TargetId: name, DatastoreKey: vm.Datastore[0].Value}
		if !l.export { // "this is only set for import leases" (API, HttpNfcLeaseDeviceUrl)
			url.ImportKey = importKey(vm.Name, key)
		}
		l.disks[name] = leasedDisk{place: diskPath(disk), key: url.Key, capacity: disk.CapacityInBytes}
		info.DeviceUrl = append(info.DeviceUrl, url)
		info.TotalDiskCapacityInKB += disk.CapacityInKB
	}
	l.expiry = s.clock.AfterFunc(l.timeout(), l.expire)
	l.mu.Unlock()
	s.update(l, set("info", info), set("initializeProgress", int32(100)), set("state", types.HttpNfcLeaseStateReady))
}

// nfcAddress returns the address in the URLs of a lease, and the thumbprint of the certificate there. Since 9.0 a lease has the
// certificate, too.
func (s *Server) nfcAddress(host ref) (address, thumbprint, certificate string) {
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
	because(&fault.MethodFault, fmt.Sprintf("The client of the %s reported no progress for %v.", l.purpose(), l.timeout()))
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

// purpose names the operation in messages.
func (l *Lease) purpose() string {
	if l.export {
		return "export"
	}
	return "import"
}

// fail ends the lease, which remains with its error.
func (l *Lease) fail(fault types.BaseMethodFault) {
	if !l.end() {
		return
	}
	slog.Warn("a lease failed", "of", l.purpose(), "fault", faultText(fault))
	l.abandon(localized(fault))
}

// abandon aborts the transfers, removes the VM of an import, and publishes the error. The caller has ended the lease.
func (l *Lease) abandon(fault *types.LocalizedMethodFault) {
	l.mu.Lock()
	for _, breakOff := range l.transfers {
		breakOff()
	}
	l.mu.Unlock()
	l.running.Wait()
	if l.vm != nil && !l.export {
		l.discard()
	}
	l.server.update(l, set("error", *fault), set("state", types.HttpNfcLeaseStateError))
	l.close(fault.Fault)
}

// discard destroys the VM of an import.
func (l *Lease) discard() {
	destroy := l.server.exclusive(l.vm, func(by cause) (types.AnyType, types.BaseMethodFault) { return nil, l.server.destroy(by, l.vm) })
	_, fault := destroy(cause{})
	if _, isGone := fault.(*types.ManagedObjectNotFound); fault != nil && !isGone { // the client may have destroyed it
		slog.Error("the VM of an import was not removed", "vm", l.vm.Name, "fault", faultText(fault))
	}
}

func (l *Lease) close(outcome types.BaseMethodFault) {
	l.server.leases.mu.Lock()
	delete(l.server.leases.open, l.Self)
	l.server.leases.mu.Unlock()
	l.outcome = outcome
	close(l.gone)
}

func (s *Server) leaseOf(reference ref) *Lease {
	lease, _ := s.registry.Get(reference).(*Lease)
	return lease
}

func (s *Server) completeLease(_ *simulator.Context, request *types.HttpNfcLeaseComplete) (soap.HasFault, types.BaseMethodFault) {
	lease := s.leaseOf(request.This)
	lease.mu.Lock()
	ready, busy := lease.expiry != nil && !lease.over, len(lease.transfers) > 0
	lease.mu.Unlock()
	if !ready || busy || !lease.end() {
		return nil, invalidState(fmt.Sprintf("The %s is not ready to be completed.", lease.purpose()))
	}
	if !lease.export {
		s.refreshFiles(lease.vm)
	}
	s.update(lease, set("transferProgress", int32(100)), set("state", types.HttpNfcLeaseStateDone))
	lease.close(nil)
	return &methods.HttpNfcLeaseCompleteBody{Res: &types.HttpNfcLeaseCompleteResponse{}}, nil
}

func (s *Server) abortLease(_ *simulator.Context, request *types.HttpNfcLeaseAbort) (soap.HasFault, types.BaseMethodFault) {
	lease := s.leaseOf(request.This)
	if !lease.end() {
		// The client may abort a lease that has just failed.
		<-lease.gone
		return &methods.HttpNfcLeaseAbortBody{Res: &types.HttpNfcLeaseAbortResponse{}}, nil
	}
	fault := request.Fault
	if fault == nil {
		fault = localized(&types.RequestCanceled{})
	}
	lease.abandon(fault)
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
		return nil, invalidState(fmt.Sprintf("The %s is not in progress.", lease.purpose()))
	}
	s.update(lease, set("transferProgress", request.Percent))
	return &methods.HttpNfcLeaseProgressBody{Res: &types.HttpNfcLeaseProgressResponse{}}, nil
}

func (l *Lease) host() ref {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.vm.Runtime.Host
}

const noLease = "There is no lease with this address."

// serveLease transfers one disk from or to the host, or vCenter if it is nil. The ticket in the URL identifies the lease.
func (s *Server) serveLease(w http.ResponseWriter, r *http.Request, host *ref) {
	s.recordHTTP(r)
	ticket, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, nfcPrefix), "/")
	lease := s.leases.withTicket(ticket)
	switch {
	case lease == nil || host != nil && lease.host() != *host:
		http.Error(w, noLease, http.StatusNotFound)
	case lease.export && r.Method == http.MethodGet:
		s.sendDisk(w, r, lease, name)
	case !lease.export && (r.Method == http.MethodPut || r.Method == http.MethodPost):
		s.receiveDisk(w, r, lease, name)
	default:
		http.Error(w, "Disks are uploaded by PUT or POST, and downloaded by GET.", http.StatusMethodNotAllowed)
	}
}

// begin registers a transfer until finish is called.
func (l *Lease) begin(name string, breakOff func()) (disk leasedDisk, finish func(), found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if disk, found = l.disks[name]; !found || l.over {
		return leasedDisk{}, nil, false
	}
	l.last++
	number := l.last
	l.transfers[number] = breakOff
	l.running.Add(1)
	return disk, func() {
		l.mu.Lock()
		delete(l.transfers, number)
		l.mu.Unlock()
		l.running.Done()
	}, true
}
