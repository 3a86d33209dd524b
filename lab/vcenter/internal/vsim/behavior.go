// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What differs between real vCenters, and what tests can therefore choose while the lab runs.

package vsim

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Behavior is a choice for each difference.
type Behavior struct {
	// API is the version of the API that vCenter has, and OldestAPI the oldest one that it accepts.
	API       string `json:"api"`
	OldestAPI string `json:"oldest_api"`
	// Certificate is vCenter's: "conforming", or "incomplete", which has no identifier of the authority's key.
	Certificate string `json:"certificate"`
	// UploadURL says what the URLs of an import lease and of a guest's file name: the ESXi host ("host"), or "*" ("vcenter"), for
	// which the client substitutes the address of its own connection.
	UploadURL string `json:"upload_url"`
	// HostThumbprint is the thumbprint of the host's certificate in a lease: "sha1", "sha256" or "none".
	HostThumbprint string `json:"host_thumbprint"`
	// UploadAnswerSeconds is how long a host writes after it has received the last byte of a disk, before it answers.
	UploadAnswerSeconds float64 `json:"upload_answer_seconds"`
	// ExtraConfigValueBytes and ExtraConfigBytes limit one value of extraConfig, and all of them.
	ExtraConfigValueBytes int `json:"extra_config_value_bytes"`
	ExtraConfigBytes      int `json:"extra_config_bytes"`
	// HideDiskParents lets disks show no parent, as on vVols, where a linked clone's disk is not a chain of files.
	HideDiskParents bool `json:"hide_disk_parents"`
	// GuestInfoAtPowerOff says what power off does with the guestinfo keys that were set while the VM was on: GuestInfoDeleted,
	// GuestInfoReverted or GuestInfoKept.
	GuestInfoAtPowerOff string `json:"guest_info_at_power_off"`
	// GuestReportSeconds is how late vCenter hears of what a guest reports, and of its power off.
	GuestReportSeconds float64 `json:"guest_report_seconds"`
	// AttachSeconds is how long AttachDisk_Task takes before the disk is in the VM.
	AttachSeconds float64 `json:"attach_seconds"`
	// CatalogSeconds is how late the global catalog of First Class Disks shows a new disk.
	CatalogSeconds float64 `json:"catalog_seconds"`
	// PowerOnAnswer says how PowerOnMultiVM_Task lists the VMs that DRS starts: AnswerTask, AnswerNoTask or AnswerUnlisted.
	PowerOnAnswer string `json:"power_on_answer"`
	// HostUnits, DatastoreUnits, NetworkUnits and Operations are how much runs at a time on a host, with a datastore, on the vMotion
	// network of a host (8 with 10 GbE, 4 with 1 GbE), and in all. Other tasks are queued.
	HostUnits      int `json:"host_units"`
	DatastoreUnits int `json:"datastore_units"`
	NetworkUnits   int `json:"network_units"`
	Operations     int `json:"operations"`
}

func usualBehavior() Behavior {
	return Behavior{API: apiVersion, OldestAPI: apiVersions[0], Certificate: "conforming", UploadURL: "host", HostThumbprint: "sha1",
		ExtraConfigValueBytes: 64 << 10, ExtraConfigBytes: 1 << 20, GuestInfoAtPowerOff: GuestInfoDeleted, PowerOnAnswer: AnswerTask,
		HostUnits: usualHostUnits, DatastoreUnits: usualDatastoreUnits, NetworkUnits: usualNetworkUnits, Operations: usualOperations}
}

func (b Behavior) unitLimits() [unitKinds]int {
	return [unitKinds]int{hostUnits: b.HostUnits, datastoreUnits: b.DatastoreUnits, networkUnits: b.NetworkUnits, operationUnits: b.Operations}
}

func (b Behavior) check() error {
	for _, field := range []struct {
		name, value string
		choices     []string
	}{
		{"api", b.API, apiVersions},
		{"oldest_api", b.OldestAPI, apiVersions},
		{"certificate", b.Certificate, []string{"conforming", "incomplete"}},
		{"upload_url", b.UploadURL, []string{"host", "vcenter"}},
		{"host_thumbprint", b.HostThumbprint, []string{"sha1", "sha256", "none"}},
		{"guest_info_at_power_off", b.GuestInfoAtPowerOff, []string{GuestInfoDeleted, GuestInfoReverted, GuestInfoKept}},
		{"power_on_answer", b.PowerOnAnswer, []string{AnswerTask, AnswerNoTask, AnswerUnlisted}},
	} {
		if !slices.Contains(field.choices, field.value) {
			return fmt.Errorf("%s is %q; it must be one of %v", field.name, field.value, field.choices)
		}
	}
	if slices.Index(apiVersions, b.OldestAPI) > slices.Index(apiVersions, b.API) {
		return fmt.Errorf("oldest_api %s is newer than api %s", b.OldestAPI, b.API)
	}
	if b.ExtraConfigValueBytes < 1 || b.ExtraConfigBytes < 1 {
		return fmt.Errorf("extra_config_value_bytes is %d and extra_config_bytes is %d; both must be positive",
			b.ExtraConfigValueBytes, b.ExtraConfigBytes)
	}
	if limits := b.unitLimits(); slices.Min(limits[:]) < 1 {
		return fmt.Errorf("host_units is %d, datastore_units is %d, network_units is %d and operations is %d; all must be positive",
			b.HostUnits, b.DatastoreUnits, b.NetworkUnits, b.Operations)
	}
	if b.AttachSeconds < 0 || b.CatalogSeconds < 0 {
		return fmt.Errorf("attach_seconds is %v and catalog_seconds is %v; they must not be negative", b.AttachSeconds, b.CatalogSeconds)
	}
	if b.UploadAnswerSeconds < 0 || b.GuestReportSeconds < 0 {
		return fmt.Errorf("upload_answer_seconds is %v and guest_report_seconds is %v; they must not be negative",
			b.UploadAnswerSeconds, b.GuestReportSeconds)
	}
	return nil
}

func (b Behavior) uploadAnswerDelay() time.Duration {
	return time.Duration(b.UploadAnswerSeconds * float64(time.Second))
}

func (b Behavior) guestReportDelay() time.Duration {
	return time.Duration(b.GuestReportSeconds * float64(time.Second))
}

func (b Behavior) attachDelay() time.Duration {
	return time.Duration(b.AttachSeconds * float64(time.Second))
}

func (b Behavior) catalogDelay() time.Duration {
	return time.Duration(b.CatalogSeconds * float64(time.Second))
}

// behaviors holds the current choices.
type behaviors struct {
	mu      sync.Mutex
	current Behavior
}

// Behavior returns the current choices.
func (s *Server) Behavior() Behavior {
	s.behaviors.mu.Lock()
	defer s.behaviors.mu.Unlock()
	return s.behaviors.current
}

// Behave changes the choices that the JSON object in body names.
func (s *Server) Behave(body io.Reader) error {
	changed, err := s.behaviors.change(body)
	if err == nil {
		s.showBehavior(changed)
	}
	return err
}

func (b *behaviors) change(body io.Reader) (Behavior, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	changed := b.current
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&changed); err != nil {
		return changed, fmt.Errorf("behavior: %w", err)
	}
	if err := changed.check(); err != nil {
		return changed, err
	}
	b.current = changed
	return changed, nil
}

// BehaveAsUsual resets all choices.
func (s *Server) BehaveAsUsual() {
	usual := usualBehavior()
	s.behaviors.mu.Lock()
	s.behaviors.current = usual
	s.behaviors.mu.Unlock()
	s.showBehavior(usual)
}

// showBehavior sets what depends on the choices.
func (s *Server) showBehavior(behavior Behavior) {
	s.showAPI(behavior.API)
	s.showCertificates(behavior)
	s.units.limit(behavior.unitLimits())
}
