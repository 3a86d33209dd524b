// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Storage policies (/pbm): the simulator's, for the sessions and with the privileges of the vCenter. First Class Disks can have one
// (store_volume_policies.go). Specifications of virtual machines that name one are refused.

package vsim

import (
	"reflect"

	pbmclient "github.com/vmware/govmomi/pbm"
	pbm "github.com/vmware/govmomi/pbm/simulator"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/authz"
)

// policyMethods are the methods that are answered, with their privileges on the root folder. (vSphere Security, "Storage
// Profile Privileges".)
var policyMethods = map[string]string{
	"PbmRetrieveServiceContent":      "",
	"PbmQueryProfile":                "StorageProfile.View",
	"PbmRetrieveContent":             "StorageProfile.View",
	"PbmQueryAssociatedProfile":      "StorageProfile.View",
	"PbmQueryAssociatedProfiles":     "StorageProfile.View",
	"PbmQueryIOFiltersFromProfileId": "StorageProfile.View",
	"PbmCheckRequirements":           "StorageProfile.View",
	"PbmCreate":                      "StorageProfile.Update",
	"PbmDelete":                      "StorageProfile.Update",
}

func (s *Server) policies() *simulator.Registry {
	registry := pbm.New()
	registry.Cookie = s.cookieInDocument
	registry.Handler = s.permitPolicy
	content := registry.Get(pbmclient.ServiceInstance).(*pbm.ServiceInstance).Content
	s.storagePolicies = &policyManager{ProfileManager: registry.Get(content.ProfileManager).(*pbm.ProfileManager), server: s}
	registry.Put(s.storagePolicies)
	registry.Put(&policySolver{content.PlacementSolver, s})
	return registry
}

// cookieInDocument returns the key of the session for a service beside the vCenter, which is in the header of the document.
func (s *Server) cookieInDocument(ctx *simulator.Context) string {
	s.requests.session(ctx) // finds the request
	return simulator.SOAPCookie(ctx)
}

// permitPolicy refuses calls. Calls without a session are refused by the simulator.
func (s *Server) permitPolicy(ctx *simulator.Context, call *simulator.Method) (mo.Reference, types.BaseMethodFault) {
	s.record(ctx, s.requests.take(ctx), call)
	privilege, known := policyMethods[call.Name]
	if !known {
		return nil, notSupported("The lab does not support this method.")
	}
	if privilege == "" || ctx.Session == nil {
		return nil, nil
	}
	return nil, s.lacking(s.access(ctx.Session.UserName), []authz.Need{{Privilege: privilege, On: s.serviceContent().RootFolder}})
}

// namesPolicy returns whether an argument of a call names a policy for a VM or a disk, anywhere in it.
func namesPolicy(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if value.IsNil() {
			return false
		}
		if _, defined := value.Interface().(*types.VirtualMachineDefinedProfileSpec); defined {
			return true
		}
		return namesPolicy(value.Elem())
	case reflect.Slice:
		for i := range value.Len() {
			if namesPolicy(value.Index(i)) {
				return true
			}
		}
	case reflect.Struct:
		for i := range value.NumField() {
			if value.Type().Field(i).IsExported() && namesPolicy(value.Field(i)) {
				return true
			}
		}
	}
	return false
}
