// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Idle VMs, without files or events, for tests of large inventories.

package vsim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

// AddIdle adds powered-off VMs named prefix and a number, with as little work as possible. All have this extraConfig.
func (s *Server) AddIdle(count int, prefix string, extraConfig map[string]string) error {
	folder := s.registry.Get(s.site.datacenter.VmFolder).(*simulator.Folder)
	first := 0
	for s.childNamed(folder.Self, fmt.Sprintf("%s%d", prefix, first)) != nil {
		first++
	}
	for number := first; number < first+count; number++ {
		name := fmt.Sprintf("%s%d", prefix, number)
		release, fault := s.takeName(folder.Self, name)
		if fault != nil {
			return fmt.Errorf("adding VM %s: %s", name, faultText(fault))
		}
		s.addIdle(folder, name, number, extraConfig)
		release()
	}
	return nil
}

func (s *Server) addIdle(folder *simulator.Folder, name string, number int, extraConfig map[string]string) {
	home := datastore.Path{Store: s.config.Datastores[0].Name, Relative: name}
	hosts := s.hostsWith(s.site.cluster.Self)
	d := &draft{server: s, name: name, home: home, host: hosts[number%len(hosts)], config: newConfig(s.clock.Now())}
	d.config.Files = types.VirtualMachineFileInfo{VmPathName: home.Join(name + ".vmx").String()}
	d.config.GuestId = string(types.VirtualMachineGuestOsIdentifierOther4xLinux64Guest)
	d.config.GuestFullName = d.config.GuestId
	for _, key := range slices.Sorted(maps.Keys(extraConfig)) {
		d.config.ExtraConfig = append(d.config.ExtraConfig, &types.OptionValue{Key: key, Value: extraConfig[key]})
	}
	s.publishNew(d, folder, s.site.cluster.ResourcePool)
}
