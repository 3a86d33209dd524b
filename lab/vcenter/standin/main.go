// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command standin takes the place of vcsim, govmomi's simulator, in govc's own tests: it has the same command line, and serves
// the lab's vCenter with an inventory of the same names. A test that asks for what the lab does not have is skipped.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/google/uuid"

	"gantry.invalid/lab/vcenter/internal/certificates"
	"gantry.invalid/lab/vcenter/internal/config"
	"gantry.invalid/lab/vcenter/internal/machine"
	"gantry.invalid/lab/vcenter/internal/vsim"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "uuidgen" { // as vcsim does
		fmt.Println(uuid.NewString())
		return
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		err = announce(environmentOf(os.Args[1:]), fmt.Sprintf("skip 'not in the lab: %v'", err))
	} else {
		err = run(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "vcsim:", err)
		os.Exit(1)
	}
}

// announce writes the line for which the test waits, and which it evaluates.
func announce(file, line string) error { return os.WriteFile(file, []byte(line+"\n"), 0o600) }

// options are those of vcsim's options that the lab has.
type options struct {
	listen, environment          string
	username, password           string
	clusters, hosts, standalones int
	machines, datastores         int
	start                        bool
}

func parse(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("vcsim", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.listen, "l", "127.0.0.1:0", "")
	flags.StringVar(&o.environment, "E", "", "")
	flags.StringVar(&o.username, "username", "user", "")
	flags.StringVar(&o.password, "password", "pass", "")
	flags.IntVar(&o.clusters, "cluster", 1, "")
	flags.IntVar(&o.hosts, "host", 3, "")
	flags.IntVar(&o.standalones, "standalone-host", 1, "")
	flags.IntVar(&o.machines, "vm", 2, "")
	flags.IntVar(&o.datastores, "ds", 1, "")
	flags.BoolVar(&o.start, "autostart", true, "")
	err := flags.Parse(arguments)
	if err == nil && (o.clusters < 1 || o.datastores < 1) {
		err = errors.New("the lab has at least one cluster and one datastore")
	}
	return o, err
}

func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	state, err := os.MkdirTemp("", "standin-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(state)
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	certificate, _, err := certificates.Ensure(state)
	if err != nil {
		return err
	}
	c := o.config(state, listener.Addr().String())
	server, err := vsim.New(c)
	if err != nil {
		return err
	}
	guests, err := machine.NewNone(map[string]string{}, "10.96.0.0/16", server)
	if err != nil {
		return err
	}
	server.UseHypervisor(guests)
	api := &http.Server{Handler: server.Handler(), ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan error, 1)
	secure := tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	go func() { served <- api.Serve(secure) }()
	address := &url.URL{Scheme: "https", Host: c.Listen, Path: "/sdk", User: url.UserPassword(o.username, o.password)}
	line := fmt.Sprintf("export GOVC_URL=%s GOVC_SIM_PID=%d", address, os.Getpid())
	if err := populate(ctx, address, o); err != nil {
		line = fmt.Sprintf("flunk \"the lab has no inventory: %v\"", err)
	}
	if err := announce(o.environment, line); err != nil {
		return err
	}
	select {
	case err = <-served:
	case <-ctx.Done():
		err = api.Close()
	}
	return errors.Join(err, server.Close())
}

// environmentOf returns the file of arguments that cannot be parsed: the tests give it as -E FILE.
func environmentOf(arguments []string) string {
	for n, argument := range arguments {
		if argument == "-E" && n+1 < len(arguments) {
			return arguments[n+1]
		}
	}
	return os.DevNull
}

// config has vcsim's names: DC0_C0, DC0_C0_H0, DC0_H0 (a cluster of one host), LocalDS_0, DC0_DVPG0.
func (o options) config(state, listen string) config.Config {
	first := o.cluster(0)
	c := config.Config{StateDir: state, Listen: listen, Username: o.username, Password: o.password, Hypervisor: config.HypervisorNone,
		LeaseTimeoutSeconds: 300, NetworkPool: "10.96.0.0/16",
		Inventory: config.Inventory{Datacenter: "DC0", Cluster: first.Name,
			Hosts:       config.Hosts{Names: first.Hosts, CPUs: 8, CPUMHz: 2600, MemoryMB: 65536},
			Networks:    []config.Network{{Name: "VM Network", Subnet: "10.77.0.0/20"}},
			Distributed: []config.Distributed{{Switch: "DVS0", PortGroups: []string{"DC0_DVPG0"}}}}}
	for n := range o.datastores {
		c.Datastores = append(c.Datastores, config.Datastore{Name: fmt.Sprintf("LocalDS_%d", n), CapacityBytes: 1 << 40})
	}
	for n := 1; n < o.clusters; n++ {
		c.Clusters = append(c.Clusters, o.cluster(n))
	}
	for n := range o.standalones {
		name := fmt.Sprintf("DC0_H%d", n)
		c.Clusters = append(c.Clusters, config.Cluster{Name: name, Hosts: []string{name}})
	}
	return c
}

func (o options) cluster(number int) config.Cluster {
	cluster := config.Cluster{Name: fmt.Sprintf("DC0_C%d", number)}
	for n := range o.hosts {
		cluster.Hosts = append(cluster.Hosts, fmt.Sprintf("%s_H%d", cluster.Name, n))
	}
	return cluster
}
