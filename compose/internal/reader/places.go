// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxMerges is how many merge keys (<<) are followed for one name.
const maxMerges = 20

// place returns where an attribute of the merged files stands: in the file that has most of its path, and of several
// the one that comes last, as it overrides the others.
func (w *walk) place(path []string) Place {
	var best Place
	most := 0
	for _, document := range w.documents {
		line, depth := document.find(path)
		if depth > 0 && depth >= most {
			best, most = Place{File: document.file, Line: line}, depth
		}
	}
	return w.inherited(path, best, most)
}

// inherited returns where an attribute of a service stands if the service has it from the one that it extends.
func (w *walk) inherited(path []string, best Place, most int) Place {
	if most >= len(path) || len(path) < 3 {
		return best
	}
	name, seen := path[1], map[string]bool{}
	for range maxDepth {
		base, ok := w.extending[path[0]+"."+name]
		if !ok || seen[base] {
			return best
		}
		seen[base] = true
		trial := append([]string{path[0], base}, path[2:]...)
		for _, document := range w.documents {
			if line, depth := document.find(trial); depth > most {
				best, most = Place{File: document.file, Line: line}, depth
			}
		}
		name = base
	}
	return best
}

// placeIn returns where an attribute stands in a file, or where the mapping begins that it should be in.
func (w *walk) placeIn(file string, path []string) Place {
	best, most := Place{File: file}, 0
	for _, document := range w.documents {
		if line, depth := document.find(path); document.file == file && depth > most {
			best.Line, most = line, depth
		}
	}
	return best
}

// find follows a path as far as it goes, and returns the line of the last name and how many there were.
func (d *document) find(path []string) (line, depth int) {
	node := d.root
	for _, part := range path {
		key, value := child(node, part, maxMerges)
		if key == nil {
			break
		}
		line, depth, node = key.Line, depth+1, value
	}
	return line, depth
}

// child returns the node of a name and that of its value, or an item of a list twice.
func child(node *yaml.Node, name string, merges int) (key, value *yaml.Node) {
	for node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case node == nil || merges == 0:
		return nil, nil
	case node.Kind == yaml.SequenceNode:
		index, err := strconv.Atoi(name)
		if err != nil || index < 0 || index >= len(node.Content) {
			return nil, nil
		}
		return node.Content[index], node.Content[index]
	case node.Kind != yaml.MappingNode:
		return nil, nil
	}
	for index := 0; index+1 < len(node.Content); index += 2 {
		if node.Content[index].Value == name {
			return node.Content[index], node.Content[index+1]
		}
	}
	for index := 0; index+1 < len(node.Content); index += 2 {
		if node.Content[index].Value != "<<" {
			continue
		}
		merged := []*yaml.Node{node.Content[index+1]}
		if merged[0].Kind == yaml.SequenceNode {
			merged = merged[0].Content
		}
		for _, one := range merged {
			if key, value := child(one, name, merges-1); key != nil {
				return key, value
			}
		}
	}
	return nil, nil
}

// split returns the path of a dotted key; names may have dots of their own, so the files say where they end.
func (w *walk) split(key string) []string {
	parts := strings.Split(key, ".")
	var path []string
	for len(parts) > 0 {
		length := len(parts)
		for ; length > 1; length-- {
			trial := append(append([]string{}, path...), strings.Join(parts[:length], "."))
			if w.depth(trial) == len(trial) {
				break
			}
		}
		path = append(path, strings.Join(parts[:length], "."))
		parts = parts[length:]
	}
	return path
}

func (w *walk) depth(path []string) int {
	most := 0
	for _, document := range w.documents {
		if _, depth := document.find(path); depth > most {
			most = depth
		}
	}
	return most
}

func joinedKey(path []string) string { return strings.Join(path, ".") }
