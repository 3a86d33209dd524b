// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"gantry.invalid/guest/internal/failure"
)

const (
	passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001:Web:/home/web:/bin/sh\n1234:x:77:78::/odd:\nbroken\nalso:x:a:b:c:d:e\nlast:x:9:9"
	group  = "root:x:0:\nweb:x:1001:\nadm:x:4:web,other\nlogs:x:50:root, web\nbroken:x\nspare:x:60:"
)

func TestResolve(t *testing.T) {
	cases := []struct {
		user  string
		extra []string
		want  Identity
	}{
		{"", nil, Identity{0, 0, []int{50, 0}, "/root"}},
		{"web", nil, Identity{1000, 1001, []int{4, 50, 1001}, "/home/web"}},
		{"1000", nil, Identity{1000, 1001, []int{4, 50, 1001}, "/home/web"}},
		// With an explicit group, the groups of the user are not used.
		{"web:spare", nil, Identity{1000, 60, []int{60}, "/home/web"}},
		{"web:", nil, Identity{1000, 1001, []int{4, 50, 1001}, "/home/web"}},
		{":adm", nil, Identity{0, 4, []int{4}, "/root"}},
		// Numbers need no entry.
		{"4711", nil, Identity{4711, 0, []int{0}, "/"}},
		{"4711:4712", []string{"adm", "99", "4"}, Identity{4711, 4712, []int{4712, 4, 99}, "/"}},
		// A name that looks like a number.
		{"1234", nil, Identity{77, 78, []int{78}, "/odd"}},
		{"last", nil, Identity{9, 9, []int{9}, "/"}},
	}
	for _, test := range cases {
		got, err := Resolve(test.user, test.extra, passwd, group)
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q %q: got %+v, %v; want %+v", test.user, test.extra, got, err, test.want)
		}
	}
}

func TestResolveWithoutFiles(t *testing.T) {
	got, err := Resolve("", nil, "", "")
	if err != nil || got.UID != 0 || got.GID != 0 || got.Home != "/" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestResolveUnknown(t *testing.T) {
	for _, test := range []struct {
		user  string
		extra []string
		word  string
	}{{"nobody", nil, "nobody"}, {"web:nogroup", nil, "nogroup"}, {"web", []string{"missing"}, "missing"}, {"-1", nil, "-1"},
		{"99999999999", nil, "99999999999"}} {
		_, err := Resolve(test.user, test.extra, passwd, group)
		var failed *failure.Failure
		if !errors.As(err, &failed) || failed.Code != failure.UserUnknown || !strings.Contains(failed.Message, test.word) {
			t.Errorf("%q: got %v", test.user, err)
		}
	}
}
