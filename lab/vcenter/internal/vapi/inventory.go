// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The services of com.vmware.vcenter that list managed entities, and the one that returns a VM. Names, fields and the most entities
// that are listed are those of the reference; the Python SDK requires them all.

package vapi

import (
	"fmt"
	"net/http"
	"slices"

	"gantry.invalid/lab/vcenter/internal/vim"
)

const vcenterServices = "com.vmware.vcenter."

// Entity is a managed entity as a service lists it.
type Entity struct {
	Ref vim.Ref
	// Fields has the values that each field of the service's filter_spec is compared with, such as the entity's own id and those
	// of the objects that contain it.
	Fields  map[string][]string
	Summary any
}

// entityService lists the entities of a type; more than most of them are refused.
type entityService struct {
	kind string
	most int
}

var entityServices = map[string]entityService{
	"VM":            {"VirtualMachine", 4000},
	"cluster":       {"ClusterComputeResource", 1000},
	"datacenter":    {"Datacenter", 1000},
	"datastore":     {"Datastore", 2500},
	"folder":        {"Folder", 1000},
	"host":          {"HostSystem", 2500},
	"network":       {"Network", 1000},
	"resource_pool": {"ResourcePool", 1000},
}

// ClusterSummary is a com.vmware.vcenter.cluster.summary.
type ClusterSummary struct {
	ID   string `json:"cluster"`
	Name string `json:"name"`
	HA   bool   `json:"ha_enabled"`
	DRS  bool   `json:"drs_enabled"`
}

func (ClusterSummary) structure() string { return "com.vmware.vcenter.cluster.summary" }

// DatacenterSummary is a com.vmware.vcenter.datacenter.summary.
type DatacenterSummary struct {
	ID   string `json:"datacenter"`
	Name string `json:"name"`
}

func (DatacenterSummary) structure() string { return "com.vmware.vcenter.datacenter.summary" }

// DatastoreSummary is a com.vmware.vcenter.datastore.summary.
type DatastoreSummary struct {
	ID       string `json:"datastore"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	Free     *int64 `json:"free_space"`
	Capacity *int64 `json:"capacity"`
}

func (DatastoreSummary) structure() string { return "com.vmware.vcenter.datastore.summary" }

// FolderSummary is a com.vmware.vcenter.folder.summary.
type FolderSummary struct {
	ID   string `json:"folder"`
	Name string `json:"name"`
	Type string `json:"type"`
}

func (FolderSummary) structure() string { return "com.vmware.vcenter.folder.summary" }

// HostSummary is a com.vmware.vcenter.host.summary.
type HostSummary struct {
	ID         string  `json:"host"`
	Name       string  `json:"name"`
	Connection string  `json:"connection_state"`
	Power      *string `json:"power_state"`
	UUID       *string `json:"host_uuid"`
}

func (HostSummary) structure() string { return "com.vmware.vcenter.host.summary" }

// NetworkSummary is a com.vmware.vcenter.network.summary.
type NetworkSummary struct {
	ID   string `json:"network"`
	Name string `json:"name"`
	Type string `json:"type"`
}

func (NetworkSummary) structure() string { return "com.vmware.vcenter.network.summary" }

// PoolSummary is a com.vmware.vcenter.resource_pool.summary.
type PoolSummary struct {
	ID   string `json:"resource_pool"`
	Name string `json:"name"`
}

func (PoolSummary) structure() string { return "com.vmware.vcenter.resource_pool.summary" }

// VMSummary is a com.vmware.vcenter.VM.summary.
type VMSummary struct {
	ID     string `json:"vm"`
	Name   string `json:"name"`
	Power  string `json:"power_state"`
	CPUs   *int64 `json:"cpu_count"`
	Memory *int64 `json:"memory_size_MiB"`
}

func (VMSummary) structure() string { return "com.vmware.vcenter.VM.summary" }

func (a *API) inventoryOperations() map[string]operation {
	all := map[string]operation{vcenterServices + "VM/get": taking(a.getVM)}
	for name, service := range entityServices {
		all[vcenterServices+name+"/list"] = taking(a.list(service))
	}
	return all
}

type filtered struct {
	Filter map[string]any `json:"filter"`
}

// list returns the entities that match all fields of a filter, and that the user may read. "If unset or empty", a field of the filter
// matches all.
func (a *API) list(service entityService) func(by caller, in filtered) (any, *Error) {
	return func(by caller, in filtered) (any, *Error) {
		found := []any{}
		for _, one := range a.inventory.Entities(service.kind) {
			if a.require(by, reading, one.Ref) != nil {
				continue
			}
			matches, failure := one.matches(in.Filter)
			if failure != nil {
				return nil, failure
			}
			if matches {
				found = append(found, one.Summary)
			}
		}
		if len(found) > service.most {
			return nil, &Error{"unable_to_allocate_resource", http.StatusInternalServerError,
				fmt.Sprintf("%d objects match the filter, more than %d.", len(found), service.most)}
		}
		return found, nil
	}
}

func (e *Entity) matches(filter map[string]any) (bool, *Error) {
	for field, value := range filter {
		wanted, isList := value.([]any)
		if !isList && value != nil {
			wanted = []any{value}
		}
		if len(wanted) == 0 {
			continue
		}
		has, known := e.Fields[field]
		if !known {
			return false, invalidArgument("The lab cannot filter by %s.", field)
		}
		isWanted := func(one string) bool {
			return slices.ContainsFunc(wanted, func(other any) bool { return fmt.Sprint(other) == one })
		}
		if !slices.ContainsFunc(has, isWanted) {
			return false, nil
		}
	}
	return true, nil
}

type vmID struct {
	ID string `json:"vm"`
}

func (a *API) getVM(by caller, in vmID) (any, *Error) {
	vm := vim.Ref{Type: "VirtualMachine", Value: in.ID}
	info, found := a.inventory.VM(vm)
	if !found {
		return nil, notFound("virtual machine", in.ID)
	}
	if failure := a.require(by, reading, vm); failure != nil {
		return nil, failure
	}
	return info, nil
}
