// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// All datastores, and paths into them as vSphere writes them: "[datastore] folder/file".

package datastore

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// Stores are the lab's datastores.
type Stores struct {
	byName map[string]*Store
}

// Size is the size of a datastore for Open.
type Size struct {
	Name     string
	Capacity int64
}

// Open opens the datastores below root, and creates missing directories.
func Open(root string, sizes []Size) (*Stores, error) {
	stores := &Stores{byName: map[string]*Store{}}
	for _, size := range sizes {
		store, err := open(size.Name, filepath.Join(root, size.Name), size.Capacity)
		if err != nil {
			return nil, fmt.Errorf("datastore %s: %w", size.Name, err)
		}
		stores.byName[size.Name] = store
	}
	return stores, nil
}

// Named returns a datastore, or nil.
func (s *Stores) Named(name string) *Store {
	return s.byName[name]
}

// Path is a place in a datastore.
type Path struct {
	Store    string
	Relative string // clean; empty: the datastore itself
}

func (p Path) String() string {
	return strings.TrimRight(fmt.Sprintf("[%s] %s", p.Store, p.Relative), " ")
}

// Join returns a path below the path.
func (p Path) Join(elements ...string) Path {
	return Path{p.Store, path.Join(append([]string{p.Relative}, elements...)...)}
}

// Dir returns the folder of the path.
func (p Path) Dir() Path {
	dir := path.Dir(p.Relative)
	if dir == "." {
		dir = ""
	}
	return Path{p.Store, dir}
}

// Base returns the last element of the path.
func (p Path) Base() string {
	return path.Base(p.Relative)
}

// ParsePath parses "[datastore] folder/file".
func ParsePath(text string) (Path, error) {
	inner, found := strings.CutPrefix(strings.TrimSpace(text), "[")
	name, relative, closed := strings.Cut(inner, "]")
	if !found || !closed || name == "" {
		return Path{}, fmt.Errorf("%w: %q", ErrPath, text)
	}
	return Path{name, strings.TrimPrefix(path.Clean("/"+strings.TrimSpace(relative)), "/")}, nil
}

// Locate returns the datastore and the absolute path of a file.
func (s *Stores) Locate(place Path) (*Store, string, error) {
	store := s.byName[place.Store]
	if store == nil {
		return nil, "", fmt.Errorf("%w: %s: there is no datastore of this name", ErrPath, place)
	}
	file, err := store.Resolve(place.Relative)
	return store, file, err
}
