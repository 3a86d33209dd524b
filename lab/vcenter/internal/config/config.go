// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package config reads the vCenter's configuration, a JSON file that the lab's controller writes.
package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gantry.invalid/lab/vcenter/internal/authz"
)

// The values of Hypervisor.
const (
	HypervisorQEMU = "qemu"
	HypervisorNone = "none"
)

// Config is the content of the file. Fields are required unless they are documented as optional.
type Config struct {
	// StateDir holds the certificates (ca.pem is for clients) and the datastores' files.
	StateDir string `json:"state_dir"`
	// Listen and Control are loopback addresses with ports; port 0 chooses a free one.
	Listen  string `json:"listen"`
	Control string `json:"control"`
	// ReadyFile is written when the API answers: {"listen", "control", "ca_path", "pid", "thumbprint",
	// "thumbprint_sha1", "second"}; second has the same keys except pid. The same is written to stdout.
	ReadyFile string `json:"ready_file"`

	Username string `json:"username"`
	Password string `json:"password"`

	// Users, optional, can log in besides the administrator, to both vCenters, once they have permissions.
	Users []authz.User `json:"users"`

	Inventory
	// Second, optional, is another vCenter in the same process.
	Second *Second `json:"second"`

	// LeaseTimeoutSeconds, optional, is how long an import waits for progress of its client. Default 300.
	LeaseTimeoutSeconds int `json:"lease_timeout_seconds"`

	// Hypervisor is qemu or none. HypervisorConfig is the configuration of qemu (internal/hypervisor.Config).
	Hypervisor       string          `json:"hypervisor"`
	HypervisorConfig json.RawMessage `json:"hypervisor_config"`

	// NetworkPool, optional, has the subnets of the networks that are created while the lab runs.
	NetworkPool string `json:"network_pool"`

	// Publish, optional, forwards loopback ports: port -> "VM:port".
	Publish map[string]string `json:"publish"`
}

// Inventory is the initial inventory of a vCenter.
type Inventory struct {
	Datacenter string `json:"datacenter"`
	Cluster    string `json:"cluster"`
	Hosts      Hosts  `json:"hosts"`
	// Clusters, optional, are further clusters.
	Clusters   []Cluster   `json:"clusters"`
	Datastores []Datastore `json:"datastores"`
	// DatastoreCluster is optional.
	DatastoreCluster *DatastoreCluster `json:"datastore_cluster"`
	Networks         []Network         `json:"networks"`
	// Distributed, optional, are distributed switches, which all hosts have.
	Distributed []Distributed `json:"distributed"`
	// Segments, optional, are segments of NSX: each is a port group of this name on each distributed switch.
	Segments []string `json:"segments"`
	// OpaqueNetworks, optional, are segments of NSX on switches of its own, without port groups. All hosts have them.
	OpaqueNetworks []string `json:"opaque_networks"`
}

// Second is another vCenter. Its files are in a subdirectory of the first one's, and it shares the hypervisor.
type Second struct {
	Listen   string `json:"listen"`
	Control  string `json:"control"`
	Username string `json:"username"`
	Password string `json:"password"`
	Inventory
}

// Cluster is a further cluster. Its hosts have the size of those of the first one.
type Cluster struct {
	Name  string   `json:"name"`
	Hosts []string `json:"hosts"`
}

// Hosts are the hosts of the first cluster. All have the same size.
type Hosts struct {
	Names    []string `json:"names"`
	CPUs     int      `json:"cpus"`      // cores; default 16
	CPUMHz   int      `json:"cpu_mhz"`   // of one core; default 2600
	MemoryMB int64    `json:"memory_mb"` // default 65536
}

// Datastore is mounted by all hosts, unless Hosts lists them.
type Datastore struct {
	Name          string   `json:"name"`
	CapacityBytes int64    `json:"capacity_bytes"`
	Hosts         []string `json:"hosts"` // optional
}

// DatastoreCluster is a folder of datastores among which storage DRS chooses.
type DatastoreCluster struct {
	Name       string   `json:"name"`
	Datastores []string `json:"datastores"`
}

// Network is a standard port group with the subnet of its VMs' addresses. All hosts have it, unless Hosts lists them.
type Network struct {
	Name   string   `json:"name"`
	Subnet string   `json:"subnet"`
	Hosts  []string `json:"hosts"` // optional
}

// Distributed is a distributed switch with port groups. The subnets of their VLANs are taken from NetworkPool.
type Distributed struct {
	Switch     string   `json:"switch"`
	PortGroups []string `json:"port_groups"`
}

// Read reads and checks the file.
func Read(path string) (Config, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	config, err := Parse(content)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return config, nil
}

// Parse reads and checks the file's content.
func Parse(content []byte) (Config, error) {
	c := Config{LeaseTimeoutSeconds: 300, Inventory: Inventory{Hosts: defaultHosts}}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Config{}, err
	}
	if c.Second != nil {
		names := c.Second.Hosts.Names
		c.Second.Hosts = c.Hosts
		c.Second.Hosts.Names = names
	}
	return c, c.check()
}

var defaultHosts = Hosts{CPUs: 16, CPUMHz: 2600, MemoryMB: 65536}

// Other returns the configuration of the second vCenter on its own.
func (c Config) Other() Config {
	other := c
	other.StateDir = filepath.Join(c.StateDir, "second")
	other.Listen, other.Control = c.Second.Listen, c.Second.Control
	other.Username, other.Password = c.Second.Username, c.Second.Password
	other.Inventory, other.Second, other.Publish = c.Second.Inventory, nil, nil
	return other
}

func (c Config) check() error {
	checks := []error{
		absolute("state_dir", c.StateDir), absolute("ready_file", c.ReadyFile),
		loopback("listen", c.Listen), loopback("control", c.Control),
		given("username", c.Username), given("password", c.Password),
		c.Inventory.check(), c.checkPublish(),
	}
	if c.Second != nil {
		if err := c.Other().check(); err != nil {
			checks = append(checks, fmt.Errorf("second: %w", err))
		}
	}
	if c.Hypervisor != HypervisorQEMU && c.Hypervisor != HypervisorNone {
		checks = append(checks, fmt.Errorf("hypervisor is %q; it must be %s or %s", c.Hypervisor, HypervisorQEMU, HypervisorNone))
	}
	if c.LeaseTimeoutSeconds < 1 {
		checks = append(checks, fmt.Errorf("lease_timeout_seconds is %d; it must be at least 1", c.LeaseTimeoutSeconds))
	}
	return errors.Join(checks...)
}

func (c Inventory) check() error {
	return errors.Join(given("datacenter", c.Datacenter), given("cluster", c.Cluster), c.checkHosts(), c.checkDatastores(),
		c.checkNetworks())
}

// AllClusters returns the first cluster and the further ones.
func (c Inventory) AllClusters() []Cluster {
	return append([]Cluster{{c.Cluster, c.Hosts.Names}}, c.Clusters...)
}

func (c Inventory) checkHosts() error {
	if c.Hosts.CPUs < 1 || c.Hosts.CPUMHz < 1 || c.Hosts.MemoryMB < 1 {
		return errors.New("hosts: cpus, cpu_mhz and memory_mb must be positive")
	}
	if len(c.Hosts.Names) == 0 {
		return errors.New("hosts.names is empty")
	}
	var names, hosts []string
	for _, cluster := range c.AllClusters() {
		if len(cluster.Hosts) == 0 {
			return fmt.Errorf("clusters: %s has no hosts", cluster.Name)
		}
		names, hosts = append(names, cluster.Name), append(hosts, cluster.Hosts...)
	}
	return errors.Join(unique("clusters", names), unique("hosts.names", hosts))
}

// checkSeenBy checks that the hosts of a datastore or a network exist.
func (c Inventory) checkSeenBy(what string, hosts []string) error {
	for _, host := range hosts {
		known := slices.ContainsFunc(c.AllClusters(), func(cluster Cluster) bool { return slices.Contains(cluster.Hosts, host) })
		if !known {
			return fmt.Errorf("%s: there is no host %q", what, host)
		}
	}
	return unique(what, hosts)
}

func (c Inventory) checkDatastores() error {
	if len(c.Datastores) == 0 {
		return errors.New("datastores is empty")
	}
	var names []string
	for _, store := range c.Datastores {
		if strings.ContainsAny(store.Name, "/[]") || store.Name == "." || store.Name == ".." {
			return fmt.Errorf("datastores: %q is not a valid name of a datastore", store.Name)
		}
		if store.CapacityBytes <= 0 {
			return fmt.Errorf("datastores: %s has a capacity of %d bytes", store.Name, store.CapacityBytes)
		}
		if err := c.checkSeenBy("datastores: "+store.Name, store.Hosts); err != nil {
			return err
		}
		names = append(names, store.Name)
	}
	if c.DatastoreCluster != nil {
		for _, name := range c.DatastoreCluster.Datastores {
			if !slices.Contains(names, name) {
				return fmt.Errorf("datastore_cluster: there is no datastore %q", name)
			}
		}
		names = append(names, c.DatastoreCluster.Name)
	}
	return unique("datastores", names)
}

func (c Inventory) checkNetworks() error {
	if len(c.Networks) == 0 {
		return errors.New("networks is empty")
	}
	var names []string
	for _, network := range c.Networks {
		if _, err := netip.ParsePrefix(network.Subnet); err != nil {
			return fmt.Errorf("networks: %s: subnet %q: %w", network.Name, network.Subnet, err)
		}
		if err := c.checkSeenBy("networks: "+network.Name, network.Hosts); err != nil {
			return err
		}
		names = append(names, network.Name)
	}
	for _, distributed := range c.Distributed {
		names = append(append(names, distributed.Switch), distributed.PortGroups...)
	}
	return unique("networks", append(names, c.OpaqueNetworks...))
}

func (c Config) checkPublish() error {
	for hostPort, target := range c.Publish {
		if _, err := port(hostPort); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		if _, _, err := Target(target); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return nil
}

// Target parses "VM:port".
func Target(text string) (machine string, number int, err error) {
	colon := strings.LastIndexByte(text, ':')
	if colon < 1 {
		return "", 0, fmt.Errorf("%q is not of the form VM:port", text)
	}
	number, err = port(text[colon+1:])
	return text[:colon], number, err
}

func port(text string) (int, error) {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || number > 65535 {
		return 0, fmt.Errorf("%q is not a port", text)
	}
	return number, nil
}

func absolute(name, path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%s %q is not an absolute path", name, path)
	}
	return nil
}

func loopback(name, address string) error {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if !parsed.Addr().IsLoopback() {
		return fmt.Errorf("%s %s: the lab listens on loopback addresses only", name, address)
	}
	return nil
}

func given(name, value string) error {
	if value == "" {
		return fmt.Errorf("%s is missing", name)
	}
	return nil
}

func unique(what string, names []string) error {
	seen := map[string]bool{}
	for _, name := range names {
		if name == "" {
			return fmt.Errorf("%s has an empty name", what)
		}
		if seen[name] {
			return fmt.Errorf("%s has %q twice", what, name)
		}
		seen[name] = true
	}
	return nil
}
