// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package process starts the container's processes with their identity, capabilities and namespaces, and collects their exit
// status.
package process

import (
	"strconv"
	"strings"

	"gantry.invalid/guest/internal/failure"
)

// Identity is the user and the groups of a process.
type Identity struct {
	UID    int    `json:"uid"`
	GID    int    `json:"gid"`
	Groups []int  `json:"groups"`
	Home   string `json:"home"`
}

type passwdEntry struct {
	name     string
	uid, gid int
	home     string
}

type groupEntry struct {
	name    string
	gid     int
	members []string
}

// Resolve resolves "user[:group]" by the rules of Docker: names are looked up in the image's files, and numbers need no
// entry. Without a group, the user's primary group and the groups that list the user are used, otherwise only the given one.
// The extra groups are added.
func Resolve(user string, extra []string, passwd, group string) (Identity, error) {
	users, groups := parsePasswd(passwd), parseGroup(group)
	userPart, groupPart, withGroup := strings.Cut(user, ":")
	if userPart == "" {
		userPart = "0"
	}
	identity := Identity{Home: "/"}
	entry, found := findUser(users, userPart)
	switch uid, err := strconv.Atoi(userPart); {
	case found:
		identity.UID, identity.GID = entry.uid, entry.gid
		if entry.home != "" {
			identity.Home = entry.home
		}
	case err == nil && isID(uid):
		identity.UID = uid
	default:
		return Identity{}, failure.New(failure.UserUnknown, "user %q is not in the image's /etc/passwd", userPart)
	}
	if withGroup && groupPart != "" {
		gid, err := findGroup(groups, groupPart)
		if err != nil {
			return Identity{}, err
		}
		identity.GID = gid
	} else if found {
		identity.Groups = groupsOf(groups, entry.name)
	}
	// The primary group is added to the list too, so that dropping it does not remove restrictions for its members.
	identity.Groups = appendNew(identity.Groups, identity.GID)
	for _, name := range extra {
		gid, err := findGroup(groups, name)
		if err != nil {
			return Identity{}, err
		}
		identity.Groups = appendNew(identity.Groups, gid)
	}
	return identity, nil
}

func isID(number int) bool { return number >= 0 && number <= 1<<31-1 }

func parsePasswd(content string) []passwdEntry {
	var entries []passwdEntry
	for line := range strings.Lines(content) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) < 4 {
			continue
		}
		uid, uidErr := strconv.Atoi(fields[2])
		gid, gidErr := strconv.Atoi(fields[3])
		if uidErr != nil || gidErr != nil {
			continue
		}
		entry := passwdEntry{name: fields[0], uid: uid, gid: gid}
		if len(fields) > 5 {
			entry.home = fields[5]
		}
		entries = append(entries, entry)
	}
	return entries
}

func parseGroup(content string) []groupEntry {
	var entries []groupEntry
	for line := range strings.Lines(content) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) < 3 {
			continue
		}
		gid, err := strconv.Atoi(fields[2])
		if err != nil {
			continue
		}
		entry := groupEntry{name: fields[0], gid: gid}
		if len(fields) > 3 {
			entry.members = strings.Split(fields[3], ",")
		}
		entries = append(entries, entry)
	}
	return entries
}

// findUser prefers a name over a number: "1000" may be a user name.
func findUser(users []passwdEntry, text string) (passwdEntry, bool) {
	for _, entry := range users {
		if entry.name == text {
			return entry, true
		}
	}
	if number, err := strconv.Atoi(text); err == nil {
		for _, entry := range users {
			if entry.uid == number {
				return entry, true
			}
		}
	}
	return passwdEntry{}, false
}

func findGroup(groups []groupEntry, text string) (int, error) {
	for _, entry := range groups {
		if entry.name == text {
			return entry.gid, nil
		}
	}
	if number, err := strconv.Atoi(text); err == nil && isID(number) {
		return number, nil
	}
	return 0, failure.New(failure.UserUnknown, "group %q is not in the image's /etc/group", text)
}

func groupsOf(groups []groupEntry, user string) []int {
	var found []int
	for _, entry := range groups {
		for _, member := range entry.members {
			if strings.TrimSpace(member) == user {
				found = appendNew(found, entry.gid)
			}
		}
	}
	return found
}

func appendNew(list []int, number int) []int {
	for _, known := range list {
		if known == number {
			return list
		}
	}
	return append(list, number)
}
