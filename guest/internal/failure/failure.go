// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package failure has the errors that can occur until the container runs, with the codes listed in
// docs/developers/contracts.md.
package failure

import (
	"errors"
	"fmt"
)

// Code is the value of error.code in the status.
type Code string

// The codes of the status, version 1.
const (
	SpecMissing         Code = "spec_missing"
	SpecInvalid         Code = "spec_invalid"
	ImageDiskMissing    Code = "image_disk_missing"
	ImageDiskMismatch   Code = "image_disk_mismatch"
	ImageMountFailed    Code = "image_mount_failed"
	ScratchMissing      Code = "scratch_missing"
	ScratchForeign      Code = "scratch_foreign"
	ScratchFormatFailed Code = "scratch_format_failed"
	ScratchMountFailed  Code = "scratch_mount_failed"
	VolumeMissing       Code = "volume_missing"
	VolumeForeign       Code = "volume_foreign"
	VolumeFormatFailed  Code = "volume_format_failed"
	VolumeMountFailed   Code = "volume_mount_failed"
	OverlayFailed       Code = "overlay_failed"
	NetworkMissing      Code = "network_missing"
	NetworkFailed       Code = "network_failed"
	DHCPFailed          Code = "dhcp_failed"
	IPv6Failed          Code = "ipv6_failed"
	AddressInUse        Code = "address_in_use"
	UserUnknown         Code = "user_unknown"
	CwdFailed           Code = "cwd_failed"
	MountFailed         Code = "mount_failed"
	FilesMissing        Code = "files_missing"
	FilesFailed         Code = "files_failed"
	StartFailed         Code = "start_failed"
	HookFailed          Code = "hook_failed"
)

// Failure is an error with the code that the status reports.
type Failure struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	// ExitCode is 126 or 127 when the container's program cannot be executed or does not exist, else 0.
	ExitCode int `json:"-"`
}

func (f *Failure) Error() string { return string(f.Code) + ": " + f.Message }

// New returns a failure with a formatted message.
func New(code Code, format string, args ...any) *Failure {
	return &Failure{Code: code, Message: fmt.Sprintf(format, args...)}
}

// From returns the failure in err, or a new one with the given code if err contains none.
func From(err error, code Code) *Failure {
	var failure *Failure
	if errors.As(err, &failure) {
		return failure
	}
	return New(code, "%v", err)
}
