// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The hypervisor's configuration: decoding, defaults and checks.

package hypervisor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// The values of Config.Accelerator.
const (
	acceleratorAuto = "auto"
	acceleratorKVM  = "kvm"
	acceleratorTCG  = "tcg"
)

// tcgStartSlots is the default number of VMs that may boot at the same time under TCG: a boot takes seconds of CPU, and more
// boots at once would exceed their deadlines.
const tcgStartSlots = 2

// Config is the hypervisor's configuration, written by the lab's controller.
type Config struct {
	// StateDir holds process records, logs, and a directory for each VM (console log, spec, firmware variables).
	StateDir string `json:"state_dir"`
	// Namespace is the name of the lab's own network namespace.
	Namespace string `json:"namespace"`
	// Networks have a bridge from the start.
	Networks []Network `json:"networks"`
	// NetworkPool has the subnets of the networks that are created while the lab runs; empty: none can be created.
	NetworkPool string `json:"network_pool"`
	// Accelerator is auto (KVM if a probe boots under it), kvm or tcg.
	Accelerator string `json:"accelerator"`
	// BootstrapISO is what the KVM probe boots.
	BootstrapISO string `json:"bootstrap_iso"`
	// ProbeCache is the file that stores the probe's result until the host is rebooted.
	ProbeCache string `json:"probe_cache"`
	// DirectKernel, when set, is booted instead of each VM's ISO.
	DirectKernel *DirectKernel `json:"direct_kernel"`
	// StartSlots is how many VMs may boot at once; 0 means two under TCG and no limit under KVM.
	StartSlots int `json:"start_slots"`
}

// Network is a layer 2 network and the subnet of its bridge.
type Network struct {
	Name   string `json:"name"`
	Subnet string `json:"subnet"`
}

// DirectKernel is a kernel that QEMU loads itself, without firmware and ISO.
type DirectKernel struct {
	Kernel string `json:"kernel"`
	Initrd string `json:"initrd"`
	Append string `json:"append"`
}

// The name of a namespace is a file name under /run/netns.
var namespaceName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

func decodeConfig(raw json.RawMessage) (Config, error) {
	config := Config{Accelerator: acceleratorAuto}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&config); err != nil {
		return Config{}, fmt.Errorf("hypervisor configuration: %w", err)
	}
	if err := config.validate(); err != nil {
		return Config{}, fmt.Errorf("hypervisor configuration: %w", err)
	}
	return config, nil
}

func (c Config) validate() error {
	switch {
	case !filepath.IsAbs(c.StateDir):
		return fmt.Errorf("state_dir %q is not an absolute path", c.StateDir)
	case !namespaceName.MatchString(c.Namespace):
		return fmt.Errorf("namespace %q must consist of lower-case letters, digits and dashes", c.Namespace)
	case c.StartSlots < 0:
		return fmt.Errorf("start_slots %d is negative", c.StartSlots)
	case c.DirectKernel != nil && (c.DirectKernel.Kernel == "" || c.DirectKernel.Initrd == ""):
		return errors.New("direct_kernel needs both kernel and initrd")
	}
	switch c.Accelerator {
	case acceleratorAuto, acceleratorKVM, acceleratorTCG:
	default:
		return fmt.Errorf("accelerator is %q; it must be auto, kvm or tcg", c.Accelerator)
	}
	bridges, err := planBridges(c.Networks)
	if err != nil {
		return err
	}
	pool, err := machine.NewSubnetPool(c.NetworkPool)
	if err != nil {
		return err
	}
	for _, b := range bridges {
		if pool.Prefix().Overlaps(b.subnet) {
			return fmt.Errorf("network_pool %s overlaps %s of network %q", pool.Prefix(), b.subnet, b.network)
		}
	}
	return nil
}
