// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The networks of the lab: a bridge and a DHCP server for each, those that are not configured when a VM first needs them.

package hypervisor

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// networks are the bridges in the lab's namespace. A bridge stays until the lab ends.
type networks struct {
	namespace *namespace
	spawner   *spawner
	directory string
	pool      *machine.SubnetPool

	mu      sync.Mutex
	bridges map[string]bridge // by network
	servers []*server
	closed  bool
}

// server is a running DHCP server.
type server struct {
	name    string
	command *exec.Cmd
	ended   chan struct{}
}

// openNetworks creates the namespace with the configured networks.
func openNetworks(config Config) (*networks, error) {
	bridges, err := planBridges(config.Networks)
	if err != nil {
		return nil, err
	}
	n := &networks{directory: config.StateDir, bridges: map[string]bridge{}}
	if n.pool, err = machine.NewSubnetPool(config.NetworkPool); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(config.StateDir, "logs"), 0o755); err != nil {
		return nil, err
	}
	if n.namespace, err = createNamespace(config.Namespace); err != nil {
		return nil, err
	}
	if n.spawner, err = newSpawner(n.namespace, filepath.Join(config.StateDir, "processes")); err != nil {
		return nil, errors.Join(err, n.namespace.remove())
	}
	for _, b := range bridges {
		if err := n.open(b); err != nil {
			return nil, errors.Join(err, n.close())
		}
	}
	return n, nil
}

// bridgeOf returns the bridge of a network, which is created if there is none yet.
func (n *networks) bridgeOf(network string) (bridge, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	b, known := n.bridges[network]
	if known {
		return b, nil
	}
	if network == "" {
		return bridge{}, errors.New("a network adapter is connected to a network that its host does not have")
	}
	subnet, err := n.pool.Next()
	if err != nil {
		return bridge{}, fmt.Errorf("network %q: %w", network, err)
	}
	b = newBridge(len(n.bridges), network, subnet)
	return b, n.open(b)
}

func (n *networks) open(b bridge) error {
	if err := n.namespace.addBridge(b); err != nil {
		return err
	}
	n.bridges[b.network] = b
	dhcp := &server{name: "dhcp-" + b.name, command: dhcpCommand(b, n.directory), ended: make(chan struct{})}
	if err := n.spawner.start(dhcp.name, dhcp.command); err != nil {
		return err
	}
	n.servers = append(n.servers, dhcp)
	go n.watch(dhcp, b.network)
	return nil
}

// watch logs an unexpected end of a DHCP server, after which guests get no address.
func (n *networks) watch(dhcp *server, network string) {
	defer close(dhcp.ended)
	err := dhcp.command.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		slog.Error("a DHCP server has ended; its VMs get no address until the lab is restarted", "network", network, "error", err)
	}
}

// close ends the DHCP servers and removes the namespace with its bridges.
func (n *networks) close() error {
	n.mu.Lock()
	n.closed = true
	servers := n.servers
	n.mu.Unlock()
	var errs []error
	for _, dhcp := range servers {
		if err := dhcp.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
		<-dhcp.ended
		errs = append(errs, n.spawner.forget(dhcp.name))
	}
	errs = append(errs, n.namespace.remove())
	n.spawner.close()
	return errors.Join(errs...)
}

// Connect connects the adapters of a running VM to networks.
func (h *Hypervisor) Connect(id string, names []string) error {
	i, err := h.find(id)
	if err != nil {
		return err
	}
	i.moveLock.RLock()
	defer i.moveLock.RUnlock()
	current := i.current()
	if current == nil {
		return fmt.Errorf("VM %s is not on", i.name)
	}
	for index := range min(len(names), len(current.taps)) {
		b, err := h.networks.bridgeOf(names[index])
		if err != nil {
			return err
		}
		if err := h.networks.namespace.moveTap(current.taps[index], b); err != nil {
			return err
		}
	}
	return nil
}
