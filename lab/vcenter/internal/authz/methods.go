// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The privileges that a call requires: what methods.txt says of its method, and what depends on its arguments.

package authz

import (
	_ "embed"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

//go:embed methods.txt
var methodsText string

// Need is a privilege that a call requires on an object.
type Need struct {
	Privilege string
	On        vim.Ref
}

// rule is a line of methods.txt.
type rule struct {
	receiver  string // the privilege on the object that is called; empty: none
	arguments map[string]string
	more      bool
}

var rules = func() map[string]rule {
	parsed, err := parseRules(methodsText)
	if err != nil {
		panic("methods.txt: " + err.Error())
	}
	return parsed
}()

func parseRules(text string) (map[string]rule, error) {
	parsed := map[string]rule{}
	for number, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if len(words) < 2 {
			return nil, fmt.Errorf("line %d has no privilege", number+1)
		}
		if _, twice := parsed[words[0]]; twice {
			return nil, fmt.Errorf("line %d: %s is listed twice", number+1, words[0])
		}
		one := rule{receiver: strings.TrimPrefix(words[1], "-"), arguments: map[string]string{}}
		for _, word := range words[2:] {
			argument, privilege, named := strings.Cut(word, "=")
			switch {
			case word == "+":
				one.more = true
			case named:
				one.arguments[argument] = privilege
			default:
				return nil, fmt.Errorf("line %d: %q is not ARGUMENT=PRIVILEGE", number+1, word)
			}
		}
		parsed[words[0]] = one
	}
	return parsed, nil
}

// Known returns whether the table has a method.
func Known(method string) bool {
	_, known := rules[method]
	return known
}

// Needs returns the privileges that a call requires, without duplicates. body is its request.
func Needs(facts Facts, method string, this vim.Ref, body any) []Need {
	q := &question{facts: facts, this: this}
	one := rules[method]
	if one.receiver != "" {
		q.need(one.receiver, this)
	}
	for _, name := range sortedKeys(one.arguments) {
		q.need(one.arguments[name], argument(body, name)...)
	}
	if one.more {
		more[method](q, body)
	}
	return q.needs
}

// question collects the needs of one call.
type question struct {
	facts Facts
	this  vim.Ref
	needs []Need
}

func (q *question) need(privilege string, objects ...vim.Ref) {
	for _, object := range objects {
		if one := (Need{privilege, object}); !slices.Contains(q.needs, one) {
			q.needs = append(q.needs, one)
		}
	}
}

// needIf is need for an optional object.
func (q *question) needIf(privilege string, object *vim.Ref) {
	if object != nil {
		q.need(privilege, *object)
	}
}

// needWithParent is for what changes an entity and the entity that contains it.
func (q *question) needWithParent(privilege string, entity vim.Ref) {
	q.need(privilege, entity)
	q.needIf(privilege, q.facts.Parent(entity))
}

// about makes a function for one type of request one for all.
func about[R any](f func(*question, *R)) func(*question, any) {
	return func(q *question, body any) { f(q, body.(*R)) }
}

// more has the methods with a "+" in methods.txt.
var more map[string]func(*question, any)

func init() {
	more = map[string]func(*question, any){
		"CreateVM_Task":     about(createVM),
		"ImportVApp":        about(importVApp),
		"CloneVM_Task":      about(cloneVM),
		"InstantClone_Task": about(instantClone),
		"ReconfigVM_Task":   about(reconfigVM),
		"RelocateVM_Task":   about(relocateVM),
		"MigrateVM_Task":    about(migrateVM),

		"Destroy_Task":        about(destroy),
		"Rename_Task":         about(rename),
		"MoveIntoFolder_Task": about(moveIntoFolder),
		"UpdateConfig":        about(updatePool),

		"UpdateChildResourceConfiguration": about(updateChildren),
		"MoveIntoResourcePool":             about(moveIntoPool),
		"DestroyChildren":                  about(destroyPools),
		"ApplyRecommendation":              about(applyRecommendation),
		"CancelTask":                       about(cancelTask),

		"MakeDirectory":            about(func(q *question, r *types.MakeDirectory) { q.files(r.Name) }),
		"DeleteDatastoreFile_Task": about(func(q *question, r *types.DeleteDatastoreFile_Task) { q.files(r.Name) }),
		"MoveDatastoreFile_Task":   about(func(q *question, r *types.MoveDatastoreFile_Task) { q.files(r.SourceName, r.DestinationName) }),
		"CopyDatastoreFile_Task":   about(func(q *question, r *types.CopyDatastoreFile_Task) { q.files(r.SourceName, r.DestinationName) }),
		"CreateVirtualDisk_Task":   about(func(q *question, r *types.CreateVirtualDisk_Task) { q.disks(r.Datacenter, r.Name) }),
		"DeleteVirtualDisk_Task":   about(func(q *question, r *types.DeleteVirtualDisk_Task) { q.disks(r.Datacenter, r.Name) }),
		"ExtendVirtualDisk_Task":   about(func(q *question, r *types.ExtendVirtualDisk_Task) { q.disks(r.Datacenter, r.Name) }),
		"SetVirtualDiskUuid":       about(func(q *question, r *types.SetVirtualDiskUuid) { q.disks(r.Datacenter, r.Name) }),
		"MoveVirtualDisk_Task": about(func(q *question, r *types.MoveVirtualDisk_Task) {
			q.disks(r.SourceDatacenter, r.SourceName, r.DestName)
		}),
		"CopyVirtualDisk_Task": about(func(q *question, r *types.CopyVirtualDisk_Task) {
			q.disks(r.SourceDatacenter, r.SourceName, r.DestName)
		}),
		"SearchDatastore_Task":           about(func(q *question, r *types.SearchDatastore_Task) { q.browse(r.DatastorePath) }),
		"SearchDatastoreSubFolders_Task": about(func(q *question, r *types.SearchDatastoreSubFolders_Task) { q.browse(r.DatastorePath) }),

		"AddAuthorizationRole":    about(func(q *question, r *types.AddAuthorizationRole) { q.hold(q.this, r.PrivIds) }),
		"UpdateAuthorizationRole": about(func(q *question, r *types.UpdateAuthorizationRole) { q.hold(q.this, r.PrivIds) }),
		"SetEntityPermissions":    about(func(q *question, r *types.SetEntityPermissions) { q.grant(r.Entity, r.Permission) }),
		"ResetEntityPermissions":  about(func(q *question, r *types.ResetEntityPermissions) { q.grant(r.Entity, r.Permission) }),
		"RemoveEntityPermission":  about(removePermission),
		"MergePermissions":        about(mergePermissions),

		// The reference calls these dynamic and does not say more: unconfirmed.
		"setCustomValue":              func(q *question, _ any) { q.need("Global.SetCustomField", q.this) },
		"UpdateOptions":               func(q *question, _ any) { q.need("Global.Settings", q.this) },
		"UpdateNetworkConfig":         func(q *question, _ any) { q.need("Host.Config.Network", q.this) },
		"ReconfigureDvs_Task":         func(q *question, _ any) { q.need("DVSwitch.Modify", q.this) },
		"ReconfigureDVPortgroup_Task": func(q *question, _ any) { q.need("DVPortgroup.Modify", q.this) },
	}
	maps.Copy(more, volumeNeeds())
}

// argument returns the objects that an argument of a request names.
func argument(body any, name string) []vim.Ref {
	value := reflect.Indirect(reflect.ValueOf(body))
	for n := range value.NumField() {
		tag, _, _ := strings.Cut(value.Type().Field(n).Tag.Get("xml"), ",")
		if tag != name {
			continue
		}
		switch found := value.Field(n).Interface().(type) {
		case vim.Ref:
			return []vim.Ref{found}
		case *vim.Ref:
			if found != nil {
				return []vim.Ref{*found}
			}
		case []vim.Ref:
			return found
		}
		return nil
	}
	panic(fmt.Sprintf("%T has no argument %s", body, name))
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for name := range m {
		keys = append(keys, name)
	}
	slices.Sort(keys)
	return keys
}
