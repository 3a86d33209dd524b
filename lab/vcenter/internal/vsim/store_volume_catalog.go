// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The global catalog of First Class Disks (/vslm/sdk): reads of many disks at once, for the sessions of the vCenter. Changes are
// made by VcenterVStorageObjectManager.

package vsim

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vslm"
	"github.com/vmware/govmomi/vslm/methods"
	vslmtypes "github.com/vmware/govmomi/vslm/types"

	"gantry.invalid/lab/vcenter/internal/authz"
	"gantry.invalid/lab/vcenter/internal/datastore"
)

// catalogMethods are the methods that are answered.
var catalogMethods = []string{"RetrieveContent", "VslmListVStorageObjectForSpec", "VslmRetrieveVStorageObject",
	"VslmRetrieveVStorageObjects", "VslmRetrieveVStorageObjectAssociations"}

// catalogService is the root object of the service.
type catalogService struct{ Self ref }

func (c *catalogService) Reference() ref { return c.Self }

// catalog is the manager of the service.
type catalog struct {
	Self   ref
	server *Server
}

func (c *catalog) Reference() ref { return c.Self }

var (
	catalogRef     = ref{Type: "VslmVStorageObjectManager", Value: "VStorageObjectManager"}
	catalogContent = vslmtypes.VslmServiceInstanceContent{
		AboutInfo: vslmtypes.VslmAboutInfo{Name: "VMware Virtual Storage Lifecycle Manager Service",
			FullName: "VMware Virtual Storage Lifecycle Manager Service 1.0.0", Vendor: "VMware, Inc.", ApiVersion: "1.0.0",
			InstanceUuid: "6f8f0c6e-7a3e-4f2d-9d52-1f0f3e0a5f10"},
		SessionManager:          ref{Type: "VslmSessionManager", Value: "SessionManager"},
		VStorageObjectManager:   catalogRef,
		StorageLifecycleManager: ref{Type: "VslmStorageLifecycleManager", Value: "StorageLifecycleManager"},
	}
)

func (s *Server) globalCatalog() *simulator.Registry {
	registry := simulator.NewRegistry()
	registry.Namespace, registry.Path = vslm.Namespace, vslm.Path
	registry.Cookie = s.cookieInDocument
	registry.Handler = s.permitCatalog
	registry.Put(&catalogService{vslm.ServiceInstance})
	registry.Put(&catalog{catalogRef, s})
	return registry
}

// permitCatalog refuses calls. Calls without a session are refused by the simulator.
func (s *Server) permitCatalog(ctx *simulator.Context, call *simulator.Method) (mo.Reference, types.BaseMethodFault) {
	s.record(ctx, s.requests.take(ctx), call)
	if !slices.Contains(catalogMethods, call.Name) {
		return nil, notSupported("The lab does not support this method.")
	}
	return nil, nil
}

// RetrieveContent returns the objects of the service.
func (c *catalogService) RetrieveContent(*vslmtypes.RetrieveContent) soap.HasFault {
	return &methods.RetrieveContentBody{Res: &vslmtypes.RetrieveContentResponse{Returnval: catalogContent}}
}

// catalogEntry is what the catalog knows of a disk.
type catalogEntry struct {
	types.VStorageObject
	store     ref
	snapshots []volumeSnapshot
}

// entries returns the disks that the catalog has heard of, on the datastores that the caller can see, in the order of their ids.
func (c *catalog) entries(ctx *simulator.Context) []catalogEntry {
	access := c.server.access(ctx.Session.UserName)
	heard := c.server.clock.Now().Add(-c.server.Behavior().catalogDelay())
	var found []catalogEntry
	for _, one := range c.server.volumes.all() {
		shown := c.server.describeVolume(one, nil)
		store := shown.Config.Backing.(*types.BaseConfigInfoDiskFileBackingInfo).Datastore
		if one.created.After(heard) || !access.Has(authz.SystemView, store) {
			continue
		}
		entry := catalogEntry{VStorageObject: shown, store: store}
		c.server.volumes.change(func() { entry.snapshots = slices.Clone(one.snapshots) })
		found = append(found, entry)
	}
	return found
}

// VslmListVStorageObjectForSpec lists the disks that match all criteria. The answer has no more than name, size and creation time.
func (c *catalog) VslmListVStorageObjectForSpec(ctx *simulator.Context, request *vslmtypes.VslmListVStorageObjectForSpec) soap.HasFault {
	result := &vslmtypes.VslmVsoVStorageObjectQueryResult{AllRecordsReturned: true}
	for _, one := range c.entries(ctx) {
		matched := true
		for _, criterion := range request.Query {
			// vCenter supports one value. (govmomi, vslm/simulator.)
			if len(criterion.QueryValue) != 1 {
				return &methods.VslmListVStorageObjectForSpecBody{Fault_: simulator.Fault("", &types.InvalidArgument{InvalidProperty: "values"})}
			}
			fits, known := one.matches(criterion)
			if !known {
				return &methods.VslmListVStorageObjectForSpecBody{Fault_: simulator.Fault("", &types.SystemError{Reason: "Undeclared fault"})}
			}
			matched = matched && fits
		}
		if !matched {
			continue
		}
		if len(result.Id) >= int(request.MaxResult) {
			result.AllRecordsReturned = false
			break
		}
		result.Id = append(result.Id, one.Config.Id)
		result.QueryResults = append(result.QueryResults, vslmtypes.VslmVsoVStorageObjectResult{Id: one.Config.Id, Name: one.Config.Name,
			CapacityInMB: one.Config.CapacityInMB, CreateTime: &one.Config.CreateTime})
	}
	return &methods.VslmListVStorageObjectForSpecBody{Res: &vslmtypes.VslmListVStorageObjectForSpecResponse{Returnval: result}}
}

// matches compares a disk with a criterion; known is false if vCenter does not support the criterion. Key and value of metadata are
// criteria of their own, which pairs of different keys may fulfil.
func (e *catalogEntry) matches(q vslmtypes.VslmVsoVStorageObjectQuerySpec) (fits, known bool) {
	asked := q.QueryValue[0]
	var values []string
	switch vslmtypes.VslmVsoVStorageObjectQuerySpecQueryFieldEnum(q.QueryField) {
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryFieldEnumId:
		values = []string{e.Config.Id.Id}
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryFieldEnumName:
		values = []string{e.Config.Name}
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryFieldEnumDatastoreMoId:
		values = []string{strings.TrimPrefix(e.store.Value, "datastore-")} // without the type (govmomi, vslm/simulator)
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryFieldEnumMetadataKey:
		for _, pair := range e.Config.Metadata {
			values = append(values, pair.Key)
		}
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryFieldEnumMetadataValue:
		for _, pair := range e.Config.Metadata {
			values = append(values, pair.Value)
		}
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryFieldEnumCapacity:
		number, err := strconv.ParseInt(asked, 10, 64)
		return comparison(q.QueryOperator, cmp.Compare(e.Config.CapacityInMB, number)), err == nil
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryFieldEnumCreateTime:
		moment, err := time.Parse(time.RFC3339Nano, asked)
		return comparison(q.QueryOperator, e.Config.CreateTime.Compare(moment)), err == nil
	default:
		return false, false
	}
	return slices.ContainsFunc(values, func(value string) bool { return textMatches(q.QueryOperator, value, asked) }), true
}

func textMatches(operator, value, asked string) bool {
	switch vslmtypes.VslmVsoVStorageObjectQuerySpecQueryOperatorEnum(operator) {
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryOperatorEnumContains:
		return strings.Contains(value, asked)
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryOperatorEnumStartsWith:
		return strings.HasPrefix(value, asked)
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryOperatorEnumEndsWith:
		return strings.HasSuffix(value, asked)
	}
	return comparison(operator, strings.Compare(value, asked))
}

// comparison returns whether an operator holds for the result of a comparison.
func comparison(operator string, order int) bool {
	switch vslmtypes.VslmVsoVStorageObjectQuerySpecQueryOperatorEnum(operator) {
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryOperatorEnumEquals:
		return order == 0
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryOperatorEnumNotEquals:
		return order != 0
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryOperatorEnumLessThan:
		return order < 0
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryOperatorEnumGreaterThan:
		return order > 0
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryOperatorEnumLessThanOrEqual:
		return order <= 0
	case vslmtypes.VslmVsoVStorageObjectQuerySpecQueryOperatorEnumGreaterThanOrEqual:
		return order >= 0
	}
	return false
}

// VslmRetrieveVStorageObject returns a disk as the manager does.
func (c *catalog) VslmRetrieveVStorageObject(ctx *simulator.Context, request *vslmtypes.VslmRetrieveVStorageObject) soap.HasFault {
	for _, one := range c.entries(ctx) {
		if one.Config.Id == request.Id {
			return &methods.VslmRetrieveVStorageObjectBody{Res: &vslmtypes.VslmRetrieveVStorageObjectResponse{Returnval: one.VStorageObject}}
		}
	}
	return &methods.VslmRetrieveVStorageObjectBody{Fault_: simulator.Fault("", noVolume(request.Id.Id))}
}

// VslmRetrieveVStorageObjects returns disks with all that the catalog knows. A disk that cannot be found has an error.
func (c *catalog) VslmRetrieveVStorageObjects(ctx *simulator.Context, request *vslmtypes.VslmRetrieveVStorageObjects) soap.HasFault {
	known := map[types.ID]catalogEntry{}
	for _, one := range c.entries(ctx) {
		known[one.Config.Id] = one
	}
	result := &vslmtypes.VslmRetrieveVStorageObjectsResponse{}
	for _, id := range request.Ids {
		one, found := known[id]
		if !found {
			result.Returnval = append(result.Returnval, vslmtypes.VslmVsoVStorageObjectResult{Id: id, CapacityInMB: -1, Error: localized(noVolume(id.Id))})
			continue
		}
		result.Returnval = append(result.Returnval, c.server.catalogResult(&one))
	}
	return &methods.VslmRetrieveVStorageObjectsBody{Res: result}
}

func (s *Server) catalogResult(one *catalogEntry) vslmtypes.VslmVsoVStorageObjectResult {
	backing := one.Config.Backing.(*types.BaseConfigInfoDiskFileBackingInfo)
	store := s.registry.Get(one.store).(*simulator.Datastore)
	result := vslmtypes.VslmVsoVStorageObjectResult{Id: one.Config.Id, Name: one.Config.Name, CapacityInMB: one.Config.CapacityInMB,
		CreateTime: &one.Config.CreateTime, DatastoreUrl: store.Summary.Url, DiskPath: backing.FilePath,
		UsedCapacityInMB: s.usedByVolume(backing.FilePath), Metadata: one.Config.Metadata}
	for _, taken := range one.snapshots {
		result.SnapshotInfo = append(result.SnapshotInfo, vslmtypes.VslmVsoVStorageObjectSnapshotResult{
			SnapshotId: &types.ID{Id: taken.id}, Description: taken.description, DiskPath: taken.place.String()})
	}
	return result
}

// usedByVolume returns the size of the files of a chain in MB, -1 if they cannot be read ("if the space information is currently
// unavailable").
func (s *Server) usedByVolume(text string) int64 {
	place, fault := s.place(text)
	if fault != nil {
		return -1
	}
	chain, err := s.stores.Chain(place)
	if err != nil {
		return -1
	}
	var used int64
	for _, disk := range chain {
		info, err := os.Stat(disk.Data)
		if err != nil {
			return -1
		}
		taken := datastore.Allocated(info)
		if !disk.Thin {
			taken = disk.Capacity
		}
		used += taken
	}
	return (used + mebibyte - 1) / mebibyte
}

// VslmRetrieveVStorageObjectAssociations returns the VMs that use the disks.
func (c *catalog) VslmRetrieveVStorageObjectAssociations(_ *simulator.Context, request *vslmtypes.VslmRetrieveVStorageObjectAssociations) soap.HasFault {
	users := c.server.attachments()
	result := &vslmtypes.VslmRetrieveVStorageObjectAssociationsResponse{}
	for _, id := range request.Ids {
		one := vslmtypes.VslmVsoVStorageObjectAssociations{Id: id}
		for _, user := range users[id.Id] {
			one.VmDiskAssociation = append(one.VmDiskAssociation,
				vslmtypes.VslmVsoVStorageObjectAssociationsVmDiskAssociation{VmId: user.vm.Self.Value, DiskKey: user.key})
		}
		result.Returnval = append(result.Returnval, one)
	}
	return &methods.VslmRetrieveVStorageObjectAssociationsBody{Res: result}
}
