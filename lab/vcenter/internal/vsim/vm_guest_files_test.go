// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gantry.invalid/guest/guestops"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// guestWithFiles returns a client for a container that needs these files.
func guestWithFiles(t *testing.T, content string) *inGuests {
	t.Helper()
	return guestWith(t, map[string]any{
		"guest_operations": map[string]string{"secret_sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(guestSecret)))},
		"files":            map[string]string{"sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(content)))},
	})
}

func (g *inGuests) deliver(content string) error {
	part := guestops.Part{SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(content))), Data: []byte(content), Last: true}
	_, err := g.start(guestops.FilesPath, string(must(json.Marshal(part))(g)))
	return err
}

func (g *inGuests) reports(text string) bool {
	return strings.Contains(g.option(g.vm, machine.StatusKey), text)
}

func TestAContainerWaitsForItsFilesOnceOnly(t *testing.T) {
	g := guestWithFiles(t, "the files")
	g.powerOn()
	if !g.reports(`"waiting_for":"files"`) || !g.reports(`"state":"booting"`) {
		t.Fatalf("it does not wait: %s", g.option(g.vm, machine.StatusKey))
	}
	if err := g.deliver("other files"); err == nil || !strings.Contains(err.Error(), "another SHA-256") {
		t.Errorf("other files: %v", err)
	}
	if err := g.deliver("the files"); err != nil {
		t.Fatal(err)
	}
	g.eventually("running", func() bool { return g.reports(`"state":"running"`) && g.reports(`"waiting_for":null`) })
	// The next start finds them on the disk, as after HA has restarted the VM.
	g.result(g.vm.PowerOff(t.Context()))
	g.powerOn()
	g.eventually("running again", func() bool { return g.reports(`"state":"running"`) })
	if err := g.deliver("the files"); err == nil || !strings.Contains(err.Error(), "expects no files") {
		t.Errorf("files that nobody waits for: %v", err)
	}
}

func TestAContainerThatWaitsForItsFilesCanBeStopped(t *testing.T) {
	g := guestWithFiles(t, "the files")
	g.powerOn()
	if err := g.vm.ShutdownGuest(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.eventually("ended", func() bool { return g.reports(`"state":"exited"`) })
	if err := g.deliver("the files"); err != nil {
		t.Fatal(err)
	}
	if g.reports(`"state":"running"`) {
		t.Error("it has started after it was stopped")
	}
}
