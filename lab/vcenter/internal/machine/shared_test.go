// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package machine

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// listener records the events of a tenant.
type listener struct {
	mu     sync.Mutex
	events []string
}

func (l *listener) add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, text)
}

func (l *listener) Set(id, _, value string)      { l.add(id + " reports " + value) }
func (l *listener) Guest(id string, _ GuestInfo) { l.add(id + " has tools") }
func (l *listener) Restarted(id string)          { l.add(id + " has restarted") }
func (l *listener) Off(id, _ string)             { l.add(id + " is off") }

func (l *listener) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

func (l *listener) expect(t *testing.T, want ...string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); len(l.all()) < len(want) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := l.all(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func twoTenants(t *testing.T) (shared *Shared, first, second *Tenant, at [2]*listener) {
	t.Helper()
	shared = NewShared()
	none, err := NewNone(nil, "", shared)
	if err != nil {
		t.Fatal(err)
	}
	shared.Use(none)
	at = [2]*listener{{}, {}}
	return shared, shared.Tenant("", at[0]), shared.Tenant("vc2-", at[1]), at
}

func TestTenantsWithTheSameIDsAreSeparate(t *testing.T) {
	_, first, second, at := twoTenants(t)
	for _, tenant := range []*Tenant{first, second} {
		if err := tenant.Start(Spec{ID: "vm-1"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := second.Kill("vm-1"); err != nil {
		t.Fatal(err)
	}
	at[1].expect(t, "vm-1 is off")
	at[0].expect(t)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	at[0].expect(t, "vm-1 is off")
}

func TestEventsDuringAHandOverAreDeliveredToTheNewTenant(t *testing.T) {
	shared, first, second, at := twoTenants(t)
	if err := first.Start(Spec{ID: "vm-1"}); err != nil {
		t.Fatal(err)
	}
	shared.Set("vm-1", "key", "before")
	_, err := first.HandOver("vm-1", second, Spec{ID: "vm-7"}, func() error {
		shared.Set("vm-1", "key", "one")
		shared.Set("vm-1", "key", "two")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	at[1].expect(t, "vm-7 reports one", "vm-7 reports two")
	at[0].expect(t, "vm-1 reports before")
	if err := first.Kill("vm-1"); err == nil {
		t.Error("the first tenant still has it")
	}
	if err := second.Kill("vm-7"); err != nil {
		t.Fatal(err)
	}
	at[1].expect(t, "vm-7 reports one", "vm-7 reports two", "vm-7 is off")
}

func TestAHandOverThatFailsLeavesTheVM(t *testing.T) {
	shared, first, second, at := twoTenants(t)
	if err := first.Start(Spec{ID: "vm-1"}); err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("no room")
	if _, err := first.HandOver("vm-1", second, Spec{ID: "vm-7"}, func() error {
		shared.Set("vm-1", "key", "one")
		return refusal
	}); !errors.Is(err, refusal) {
		t.Fatalf("got %v", err)
	}
	at[0].expect(t, "vm-1 reports one")
	at[1].expect(t)
	if _, err := first.HandOver("vm-2", second, Spec{ID: "vm-8"}, nil); err == nil {
		t.Error("a machine that is off was handed over")
	}
}
