// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package vsim is the lab's vCenter API. Inventory, sessions, property collector and views are govmomi's simulator's;
// virtual machines, their disks and files, power, placement and imports are implemented here.
package vsim

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/authz"
	"gantry.invalid/lab/vcenter/internal/clock"
	"gantry.invalid/lab/vcenter/internal/config"
	"gantry.invalid/lab/vcenter/internal/datastore"
	"gantry.invalid/lab/vcenter/internal/machine"
	"gantry.invalid/lab/vcenter/internal/vapi"
)

type ref = types.ManagedObjectReference

// Server is one vCenter.
type Server struct {
	config   config.Config
	stores   *datastore.Stores
	service  *simulator.Service
	registry *simulator.Registry
	site     site

	hypervisor machine.Hypervisor
	links      []link
	runs       runs
	overlays   overlays
	deliveries deliveries

	operations  operations
	units       *units
	placing     sync.Mutex // held while the host of a clone is chosen
	names       names
	named       nameIndex
	macs        macs
	networks    networks
	ipPools     ipPools
	load        load
	moves       moves
	maintenance maintenance
	agents      agents

	leases   leases
	nfcHosts map[ref]*nfcHost // by host

	guestTransfers guestTransfers

	automation      *vapi.API
	storagePolicies *policyManager

	behaviors     behaviors
	tickets       tickets
	diskUse       diskUse
	volumes       volumes
	registrations registrations
	drs           scheduler
	meter         meter
	perf          perf
	methods       map[string]handler
	requests      requests
	tasks         atomic.Int64
	simulated     simulated
	fields        atomic.Pointer[[]types.CustomFieldDef]

	authz   *authz.Manager
	showing sync.Mutex // held while shown changes
	shown   map[ref][]types.Permission

	calls  CallLog
	faults FaultRules

	clock     clock.Clock
	closing   chan struct{}
	closeOnce sync.Once
}

// site holds the objects of the initial inventory.
type site struct {
	datacenter *simulator.Datacenter
	cluster    *simulator.ClusterComputeResource // the first cluster
	hosts      []*simulator.HostSystem           // hosts of all clusters
	datastores map[string]*simulator.Datastore
	pod        *simulator.StoragePod // nil without a datastore cluster
}

// New returns a vCenter with its initial inventory. VMs can be powered on after UseHypervisor.
func New(c config.Config) (*Server, error) {
	sizes := make([]datastore.Size, 0, len(c.Datastores))
	for _, store := range c.Datastores {
		sizes = append(sizes, datastore.Size{Name: store.Name, Capacity: store.CapacityBytes})
	}
	stores, err := datastore.Open(filepath.Join(c.StateDir, "datastores"), sizes)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, stores: stores, closing: make(chan struct{}), load: newLoad()}
	s.runs.byID = map[string]*run{}
	s.overlays.keys, s.deliveries.pending = map[ref]map[string]volatileValue{}, map[string]*report{}
	s.leases.open = map[ref]*Lease{}
	s.behaviors.current = usualBehavior()
	s.units = newUnits(s.behaviors.current.unitLimits())
	s.requests.byName, s.requests.byCall = map[string]*http.Request{}, map[*simulator.Context]*http.Request{}
	s.faults.closing = s.closing
	s.service = simulator.New(newServiceInstance())
	s.registry = s.service.Context.Map
	if err := s.buildInventory(); err != nil {
		return nil, fmt.Errorf("inventory: %w", err)
	}
	if err := s.newUsers(); err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	s.installCollector()
	s.installFixes()
	s.installEvents()
	s.installMethods()
	s.installGuestOperations()
	s.installAuthorization()
	s.installClusters()
	s.installSessionTimeout()
	s.registry.Put(&answerer{mo.LocalizationManager{Self: answererRef}})
	s.registry.Handler = s.intercept
	s.registry.Cookie = s.requests.session
	s.service.Listen = &url.URL{Scheme: "https", Host: c.Listen, Path: s.registry.Path,
		User: url.UserPassword(c.Username, c.Password)}
	s.registry.SessionManager().ValidLogin = s.validLogin
	return s, nil
}

// UseHypervisor sets the hypervisor. It is called once, before the API is served.
func (s *Server) UseHypervisor(hypervisor machine.Hypervisor) {
	s.hypervisor = hypervisor
	s.meter.once.Do(func() { go s.measureUntilClosed() })
}

// Handler returns the handler of the API: SOAP, datastore files, disks of leases, and tags.
func (s *Server) Handler() http.Handler {
	s.service.RegisterSDK(s.registry, s.registry.Path+"/vimService")
	policies := s.policies()
	s.service.RegisterSDK(policies, policies.Path+"/sdk")
	s.service.RegisterSDK(s.globalCatalog())
	mux := http.NewServeMux()
	mux.Handle("/", s.versioned(s.requests.named(s.service.ServeMux)))
	mux.HandleFunc(s.registry.Path+"/vimServiceVersions.xml", s.serveVersions)
	mux.HandleFunc(folderPrefix, s.serveFolder)
	mux.HandleFunc(nfcPrefix, func(w http.ResponseWriter, r *http.Request) { s.serveLease(w, r, nil) })
	mux.HandleFunc(guestFilePath, func(w http.ResponseWriter, r *http.Request) { s.serveGuestFile(w, r, nil) })
	s.automation = vapi.New(directory{s})
	for _, pattern := range vapi.Patterns {
		mux.Handle(pattern, s.automation)
	}
	return contain(mux)
}

// Close powers off all VMs, and closes the listeners of the hosts.
func (s *Server) Close() error {
	var err error
	s.closeOnce.Do(func() {
		close(s.closing)
		s.leases.stopAll()
		if s.hypervisor != nil {
			if err = s.hypervisor.Close(); err != nil {
				err = fmt.Errorf("powering off all VMs: %w", err)
			}
		}
		err = errors.Join(err, s.closeHosts())
	})
	return err
}

// SetFree sets the free bytes of a datastore.
func (s *Server) SetFree(name string, free int64) error {
	store := s.stores.Named(name)
	if store == nil {
		return fmt.Errorf("%w: there is no datastore named %s", ErrNotFound, name)
	}
	if err := store.Rescan(); err != nil {
		return err
	}
	if err := store.SetFree(free); err != nil {
		return err
	}
	s.publishFree(name)
	return nil
}

// ErrNotFound is the error for an unknown name.
var ErrNotFound = errors.New("not found")

// Calls returns the log of calls.
func (s *Server) Calls() *CallLog { return &s.calls }

// Faults returns the rules for injected faults.
func (s *Server) Faults() *FaultRules { return &s.faults }

// context returns a context for background work. It has its own locks, unlike a copy of a context.
func (s *Server) context() *simulator.Context {
	ctx := *s.service.Context
	return &ctx
}

// locked runs f with the object locked. f must not block.
func (s *Server) locked(object mo.Reference, f func(*simulator.Context)) {
	ctx := s.context()
	s.withLock(ctx, object, func() { f(ctx) })
}

// withLock runs f with the object's lock. If f panics, the context loses all of its locks.
func (s *Server) withLock(ctx *simulator.Context, object mo.Reference, f func()) {
	unlock := s.registry.AcquireLock(ctx, object)
	finished := false
	defer func() {
		if finished {
			unlock()
		} else {
			releaseLocks(s.registry, ctx, nil)
		}
	}()
	f()
	finished = true
}

// update changes properties of an object that the caller has not locked, and notifies clients.
func (s *Server) update(object mo.Reference, changes ...types.PropertyChange) {
	s.locked(object, func(ctx *simulator.Context) { ctx.Update(object, changes) })
}

func set(name string, value any) types.PropertyChange {
	return types.PropertyChange{Name: name, Op: types.PropertyChangeOpAssign, Val: value}
}

func (s *Server) vm(reference ref) *simulator.VirtualMachine {
	vm, _ := s.registry.Get(reference).(*simulator.VirtualMachine)
	return vm
}
