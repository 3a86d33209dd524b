// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The inventory tree: names that are unique in their folder, adding and removing children.

package vsim

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
	"gantry.invalid/lab/vcenter/internal/vim"
)

const longestName = 80

// names holds names that are reserved before their objects exist, so that only one of several concurrent creations succeeds.
type names struct {
	mu    sync.Mutex
	taken map[takenName]bool
}

type takenName struct {
	folder ref
	name   string
}

var (
	escapeSequence = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
	pathCharacters = strings.NewReplacer("%", "%25", "/", "%2f", `\`, "%5c")
)

// escaped is how vCenter stores a name: "The slash (/), backslash (\) and percent (%) will be escaped using the URL syntax ... Any
// percent (%) character used in this parameter must be escaped, unless it is used to start an escape sequence. Clients may
// also escape any other characters" (API, CreateFolder).
func escaped(name string) string {
	plain := escapeSequence.ReplaceAllStringFunc(name, func(sequence string) string {
		code, _ := strconv.ParseUint(sequence[1:], 16, 8) // two hexadecimal digits always are a number
		return string([]byte{byte(code)})
	})
	return pathCharacters.Replace(plain)
}

// takeName reserves a name in a folder until release is called. By then the object has been added, or its creation has
// failed.
func (s *Server) takeName(folder ref, name string) (release func(), fault types.BaseMethodFault) {
	if name == "" || len(name) > longestName {
		return nil, &types.InvalidName{Name: name, Entity: &folder}
	}
	key := takenName{folder, name}
	s.names.mu.Lock()
	defer s.names.mu.Unlock()
	if child := s.childNamed(folder, name); child != nil {
		return nil, &types.DuplicateName{Name: name, Object: child.Reference()}
	}
	if s.names.taken[key] {
		return nil, &types.DuplicateName{Name: name, Object: folder}
	}
	if s.names.taken == nil {
		s.names.taken = map[takenName]bool{}
	}
	s.names.taken[key] = true
	return func() {
		s.names.mu.Lock()
		defer s.names.mu.Unlock()
		delete(s.names.taken, key)
	}, nil
}

// childNamed returns the object of a folder with a name, or nil.
func (s *Server) childNamed(folder ref, name string) mo.Entity {
	for _, reference := range s.named.with(name) {
		entity, ok := s.registry.Get(reference).(mo.Entity)
		if ok && entity.Entity().Parent != nil && *entity.Entity().Parent == folder && ownName(entity) == name {
			return entity
		}
	}
	return nil
}

func (s *Server) children(folder ref) []ref {
	object, ok := s.registry.Get(folder).(*simulator.Folder)
	if !ok {
		return nil
	}
	var children []ref
	s.locked(object, func(*simulator.Context) { children = slices.Clone(object.ChildEntity) })
	return children
}

// addChild registers an object in a folder.
func (s *Server) addChild(folder *simulator.Folder, child mo.Entity) {
	s.locked(folder, func(ctx *simulator.Context) {
		// Container views look for the child in the tree when they are notified of it. Who reads the list meanwhile does not see
		// what is behind its end.
		folder.ChildEntity = append(folder.ChildEntity, child.Reference())
		s.registry.PutEntity(folder, child)
		ctx.Update(folder, []types.PropertyChange{set("childEntity", folder.ChildEntity)})
	})
}

// removeChild removes an object from its folder and from the inventory.
func (s *Server) removeChild(child mo.Entity) {
	folder, _ := s.registry.Get(*child.Entity().Parent).(*simulator.Folder)
	s.registry.Remove(s.context(), child.Reference())
	if folder != nil {
		s.unlink(folder, child.Reference())
	}
}

func (s *Server) unlink(folder *simulator.Folder, child ref) {
	s.locked(folder, func(ctx *simulator.Context) {
		ctx.Update(folder, []types.PropertyChange{set("childEntity", vim.Without(folder.ChildEntity, child))})
	})
}

func (s *Server) link(folder *simulator.Folder, child ref) {
	s.locked(folder, func(ctx *simulator.Context) {
		ctx.Update(folder, []types.PropertyChange{set("childEntity", append(slices.Clone(folder.ChildEntity), child))})
	})
}

func (s *Server) datacenterOf(reference ref) *simulator.Datacenter {
	return enclosing[*simulator.Datacenter](s, reference)
}

// enclosing returns the first object of a type on the path from an object, inclusive, to the root; the zero value if there
// is none.
func enclosing[T mo.Reference](s *Server, reference ref) (none T) {
	for {
		object := s.registry.Get(reference)
		if found, ok := object.(T); ok {
			return found
		}
		entity, ok := object.(mo.Entity)
		if !ok || entity.Entity().Parent == nil {
			return none
		}
		reference = *entity.Entity().Parent
	}
}

func storePath(name string) datastore.Path {
	return datastore.Path{Store: name}
}
