// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/schema"
	"github.com/compose-spec/compose-go/v2/tree"
)

// Attributes returns the paths of all attributes that the specification has.
func Attributes() []string {
	var found []string
	for _, path := range schema.AttributePaths() {
		if path.Last() != tree.PathMatchAll {
			found = append(found, path.String())
		}
	}
	return found
}

// specification distinguishes the names that are attributes from those that users choose.
type specification struct{ children map[string]map[string]bool }

var newSpecification = sync.OnceValue(func() specification {
	found := specification{children: map[string]map[string]bool{}}
	for _, path := range schema.AttributePaths() {
		parts := path.Parts()
		for length := range parts {
			parent := strings.Join(parts[:length], ".")
			if found.children[parent] == nil {
				found.children[parent] = map[string]bool{}
			}
			found.children[parent][parts[length]] = true
		}
	}
	return found
})

// below returns the pattern of a name in a mapping with a pattern; attribute is false for a name that users choose.
func (s specification) below(pattern, name string) (next string, attribute, known bool) {
	children := s.children[pattern]
	switch {
	case children[name]:
		return joinedPattern(pattern, name), true, true
	case strings.HasPrefix(name, "x-"):
		return joinedPattern(pattern, name), false, false
	case children[tree.PathMatchAll]:
		return joinedPattern(pattern, tree.PathMatchAll), false, true
	}
	return "", false, false
}

// nearest returns the attribute of the same mapping that is most similar to a name.
func (s specification) nearest(path []string, name string) string {
	pattern := ""
	for _, part := range path {
		if _, err := strconv.Atoi(part); err == nil && s.children[pattern][tree.PathMatchList] {
			pattern = joinedPattern(pattern, tree.PathMatchList)
			continue
		}
		next, _, known := s.below(pattern, part)
		if !known {
			return ""
		}
		pattern = next
	}
	best, least := "", len(name)/2+1
	for candidate := range s.children[pattern] {
		distance := editDistance(name, candidate)
		if distance < least || (distance == least && best != "" && candidate < best) {
			best, least = candidate, distance
		}
	}
	return best
}

// attributes returns the attributes of the merged files, the names of services, networks and so on, and the extensions
// of these, with their places.
func (w *walk) attributes(merged any) []Attribute {
	var found []Attribute
	specification := newSpecification()
	var visit func(pattern string, path []string, value any)
	visit = func(pattern string, path []string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for key, item := range value {
				next, attribute, known := specification.below(pattern, key)
				inner := append(slices.Clone(path), key)
				part := known && len(inner) == 2
				extension := strings.HasPrefix(key, "x-") && len(inner) <= 3
				if attribute || part || extension {
					found = append(found, Attribute{Pattern: next, Path: inner, Place: w.place(inner)})
				}
				if known {
					visit(next, inner, item)
				}
			}
		case []any:
			for index, item := range value {
				visit(joinedPattern(pattern, tree.PathMatchList), append(slices.Clone(path), strconv.Itoa(index)), item)
			}
		}
	}
	visit("", nil, merged)
	return found
}

func joinedPattern(pattern, name string) string {
	if pattern == "" {
		return name
	}
	return pattern + "." + name
}

// editDistance returns the Levenshtein distance of two names.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
