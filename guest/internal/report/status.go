// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package report publishes the state of the container: one status document, replaced as a whole at each change.
package report

import (
	"time"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/syslog"
)

// StatusVersion is the version of the status document.
const StatusVersion = 1

// State is the state of the container.
type State string

// The states of the status, version 1.
const (
	Booting    State = "booting"
	Running    State = "running"
	Stopping   State = "stopping"
	Restarting State = "restarting"
	Exited     State = "exited"
	Error      State = "error"
)

// Health is the result of the health checks.
type Health string

// The values of health in the status, version 1.
const (
	HealthNone Health = "none"
	Starting   Health = "starting"
	Healthy    Health = "healthy"
	Unhealthy  Health = "unhealthy"
)

// Status is the document of guestinfo.gantry.status.
type Status struct {
	Version         int              `json:"version"`
	ID              string           `json:"id"`
	Sequence        int              `json:"sequence"`
	State           State            `json:"state"`
	PID             int              `json:"pid"`
	ExitCode        *int             `json:"exit_code"`
	OOMKilled       bool             `json:"oom_killed"`
	RestartCount    int              `json:"restart_count"`
	Health          Health           `json:"health"`
	HealthOutput    string           `json:"health_output"`
	StartedAt       *string          `json:"started_at"`
	FinishedAt      *string          `json:"finished_at"`
	Error           *failure.Failure `json:"error"`
	MemoryAvailable int64            `json:"memory_available"`
	// Document is the source of the document: guestinfo, spec_disk or scratch_disk.
	Document    string `json:"document"`
	InitVersion string `json:"init_version"`
	Kernel      string `json:"kernel"`
	// Follows has the fields of the document whose changes take effect while the container runs.
	Follows []string `json:"follows"`
	// WaitingFor is what the boot waits for. It is nil unless it waits for something that a client has to send.
	WaitingFor      *string          `json:"waiting_for"`
	Files           *Files           `json:"files"`            // nil: the container has none
	GuestOperations *GuestOperations `json:"guest_operations"` // nil: none are offered
	Syslog          *syslog.Status   `json:"syslog"`           // nil: the output is not sent, or nothing happened that is to be reported
}

// What Follows has: that the restart policy can be changed, and the contents of files that have a signal.
const (
	FollowsRestart = "restart"
	FollowsFiles   = "files"
)

// Files says by the SHA-256 of deliveries which contents the container has.
type Files struct {
	SHA256 string `json:"sha256"`
	// Wanted is the delivery that a running container expects. It is nil unless it has other contents than its document.
	Wanted *string `json:"wanted"`
	// Error is why a running container could not get the contents of its document. It is nil unless that has failed.
	Error *string `json:"error"`
}

// WaitingForFiles is the value of waiting_for while the files of the container are to be delivered.
const WaitingForFiles = "files"

// GuestOperations counts the requests for guest operations that were refused because of their user name or secret.
type GuestOperations struct {
	Refused int `json:"refused"`
}

// Timestamp formats a time for the status.
func Timestamp(at time.Time) *string {
	text := at.UTC().Format(time.RFC3339Nano)
	return &text
}
