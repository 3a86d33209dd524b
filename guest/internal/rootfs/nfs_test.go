// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/spec"
)

// server answers the calls of the kernel, each by the next error.
type server struct {
	answers []error
	asked   []string
}

func (s *server) nfs() *NFS {
	return &NFS{
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("10.0.0.5")}, nil
		},
		Logf: func(string, ...any) {},
		mount: func(source, _ string, options string, flags uintptr) error {
			read := ""
			if flags&unix.MS_RDONLY != 0 {
				read = " read-only"
			}
			s.asked = append(s.asked, source+" "+options+read)
			if len(s.answers) == 0 {
				return nil
			}
			answer := s.answers[0]
			s.answers = s.answers[1:]
			return answer
		},
	}
}

func TestTheNewestVersionThatTheServerHasIsUsed(t *testing.T) {
	one := &server{answers: []error{unix.EPROTONOSUPPORT, nil}}
	wanted := spec.NFS{Server: "files", Path: "/data", ReadOnly: true, Options: []string{"soft", "timeo=50"}}
	if err := one.nfs().await(context.Background(), wanted, "/nfs/0"); err != nil {
		t.Fatal(err)
	}
	if want := []string{
		"files:/data addr=10.0.0.5,vers=4.2,soft,timeo=50 read-only", "files:/data addr=10.0.0.5,vers=4.1,soft,timeo=50 read-only",
	}; !slices.Equal(one.asked, want) {
		t.Errorf("asked %q", one.asked)
	}
}

func TestAVersionThatIsAskedForIsTheOnlyOne(t *testing.T) {
	one := &server{answers: []error{unix.EPROTONOSUPPORT}}
	err := one.nfs().await(context.Background(), spec.NFS{Server: "::1", Path: "/", Version: "4.0", Port: 20490}, "/nfs/0")
	if !errors.Is(err, unix.EPROTONOSUPPORT) {
		t.Errorf("got %v", err)
	}
	if want := []string{"[::1]:/ addr=10.0.0.5,vers=4.0,port=20490"}; !slices.Equal(one.asked, want) {
		t.Errorf("asked %q", one.asked)
	}
}

func TestWhatAServerRefusesIsAskedForOnce(t *testing.T) {
	for _, answer := range []error{unix.ENOENT, unix.EACCES, unix.EPERM, unix.EINVAL} {
		one := &server{answers: []error{answer}}
		err := one.nfs().await(context.Background(), spec.NFS{Server: "files", Path: "/data"}, "/nfs/0")
		if !errors.Is(err, answer) || len(one.asked) != 1 {
			t.Errorf("%v: got %v after %q", answer, err, one.asked)
		}
	}
}

func TestAServerThatIsDownIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := &server{answers: slices.Repeat([]error{unix.ECONNREFUSED}, 1000)}
		err := one.nfs().await(context.Background(), spec.NFS{Server: "files", Path: "/data"}, "/nfs/0")
		if !errors.Is(err, unix.ECONNREFUSED) || len(one.asked) < int(nfsPatience/nfsPause) {
			t.Errorf("got %v after %d calls", err, len(one.asked))
		}
	})
}

func TestAServerThatStartsLaterIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := &server{answers: slices.Repeat([]error{unix.ECONNREFUSED}, 10)}
		if err := one.nfs().await(context.Background(), spec.NFS{Server: "files", Path: "/data"}, "/nfs/0"); err != nil {
			t.Error(err)
		}
	})
}

func TestAServerThatNeverAnswersIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := (&server{}).nfs()
		answered := make(chan struct{})
		one.mount = func(string, string, string, uintptr) error { <-answered; return nil }
		err := one.await(context.Background(), spec.NFS{Server: "files", Path: "/data"}, "/nfs/0")
		if err == nil || !strings.Contains(err.Error(), "does not answer") {
			t.Errorf("got %v", err)
		}
		close(answered)
	})
}
