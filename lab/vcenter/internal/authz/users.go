// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Users and groups, and the names by which clients call them.

package authz

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// User can log in. Groups exist as soon as a user is in them.
type User struct {
	Name     string   `json:"name"`
	Password string   `json:"password"`
	Groups   []string `json:"groups"`
}

// Principal is the name of a user or a group in the form in which permissions have it: DOMAIN\name, or the bare name of
// one without a domain. Clients also use name@domain, in any case.
func Principal(name string) string {
	if local, domain, found := strings.Cut(name, "@"); found {
		return strings.ToUpper(domain) + `\` + local
	}
	if domain, local, found := strings.Cut(name, `\`); found {
		return strings.ToUpper(domain) + `\` + local
	}
	return name
}

// key is the same for all spellings of a name.
func key(name string) string { return strings.ToLower(Principal(name)) }

// SameUser returns whether two names are spellings of one.
func SameUser(a, b string) bool { return key(a) == key(b) }

// directory has the users by key.
type directory map[string]User

// add adds a user. An existing user is not replaced.
func (d directory) add(user User) error {
	if user.Name == "" || user.Password == "" {
		return errors.New("a user requires a name and a password")
	}
	if _, exists := d[key(user.Name)]; exists {
		return fmt.Errorf("there is already a user named %s", user.Name)
	}
	if slices.Contains(user.Groups, "") {
		return fmt.Errorf("a group of the user %s has an empty name", user.Name)
	}
	d[key(user.Name)] = user
	return nil
}

// accepts compares in constant time, also for an unknown user.
func (d directory) accepts(name, password string) bool {
	user, known := d[key(name)]
	given, expected := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(user.Password))
	return subtle.ConstantTimeCompare(given[:], expected[:]) == 1 && known
}

func (d directory) isMember(user, group string) bool {
	return slices.ContainsFunc(d[key(user)].Groups, func(name string) bool { return key(name) == key(group) })
}

// find returns the principal as the directory spells it.
func (d directory) find(name string, group bool) (principal string, found bool) {
	if !group {
		user, found := d[key(name)]
		return Principal(user.Name), found
	}
	for _, known := range d.groups() {
		if key(known) == key(name) {
			return known, true
		}
	}
	return "", false
}

// groups returns the principals of all groups, sorted.
func (d directory) groups() []string {
	byKey := map[string]string{}
	for _, user := range d {
		for _, name := range user.Groups {
			byKey[key(name)] = Principal(name)
		}
	}
	return sortedValues(byKey)
}

// users returns the principals of all users, sorted.
func (d directory) users() []string {
	byKey := map[string]string{}
	for id, user := range d {
		byKey[id] = Principal(user.Name)
	}
	return sortedValues(byKey)
}

func sortedValues(names map[string]string) []string {
	values := make([]string, 0, len(names))
	for _, name := range names {
		values = append(values, name)
	}
	slices.Sort(values)
	return values
}
