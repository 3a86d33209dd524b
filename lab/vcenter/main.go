// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command vcenter is the lab's vCenter, or two of them: the API, its running VMs, and the control API for tests.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"gantry.invalid/lab/vcenter/internal/certificates"
	"gantry.invalid/lab/vcenter/internal/config"
	"gantry.invalid/lab/vcenter/internal/control"
	"gantry.invalid/lab/vcenter/internal/hypervisor"
	"gantry.invalid/lab/vcenter/internal/machine"
	"gantry.invalid/lab/vcenter/internal/vsim"
)

const shutdownTime = 5 * time.Second

// collectAt lets the heap grow to four times what is in use: an inventory of thousands of VMs is small, and scanning it is a
// fifth of the work otherwise.
const collectAt = 300

func main() {
	path := flag.String("config", "", "the configuration, a JSON file (internal/config)")
	socket := flag.String("port", "", "play only the VMX of one VM, whose port is connected to this Unix socket")
	flag.Parse()
	if (*path == "") == (*socket == "") || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	debug.SetGCPercent(collectAt)
	start := func() error { return run(*path) }
	if *socket != "" {
		start = func() error { return serveOnePort(*socket, os.Stdin, os.Stdout) }
	}
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "vcenter:", err)
		os.Exit(1)
	}
}

// vcenter is a vCenter with its listeners. The process serves one or two.
type vcenter struct {
	config      config.Config
	server      *vsim.Server
	control     *control.Control
	api         net.Listener
	controls    net.Listener
	certificate tls.Certificate
	incomplete  tls.Certificate
	authority   string
}

func run(path string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	c, err := config.Read(path)
	if err != nil {
		return err
	}
	configured := []config.Config{c}
	if c.Second != nil {
		configured = append(configured, c.Other())
	}
	var vcenters []*vcenter
	for _, one := range configured {
		opened, err := open(one)
		if err != nil {
			return err
		}
		defer opened.api.Close()
		defer opened.controls.Close()
		vcenters = append(vcenters, opened)
	}
	if err := connect(c, vcenters); err != nil {
		return err
	}
	return serve(ctx, c, vcenters)
}

// open creates a vCenter and opens its listeners before any VM can start, so that a port in use is reported immediately.
func open(c config.Config) (*vcenter, error) {
	if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
		return nil, err
	}
	v := &vcenter{}
	var err error
	if v.certificate, v.authority, err = certificates.Ensure(c.StateDir); err != nil {
		return nil, err
	}
	if v.incomplete, err = certificates.Incomplete(c.StateDir); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, err
	}
	if v.controls, err = net.Listen("tcp", c.Control); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	c.Listen, c.Control = listener.Addr().String(), v.controls.Addr().String()
	v.config = c
	if v.server, err = vsim.New(c); err != nil {
		return nil, errors.Join(err, listener.Close(), v.controls.Close())
	}
	v.api = tls.NewListener(listener, &tls.Config{GetCertificate: v.shown, MinVersion: tls.VersionTLS12})
	if err = v.server.ServeHosts(); err != nil {
		return nil, errors.Join(err, listener.Close(), v.controls.Close(), v.server.Close())
	}
	v.control = control.New(v.server)
	return v, nil
}

// shown returns the certificate for a new connection.
func (v *vcenter) shown(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if v.server.Behavior().Certificate == "incomplete" {
		return &v.incomplete, nil
	}
	return &v.certificate, nil
}

// connect gives all vCenters the shared hypervisor, and links them to each other.
func connect(c config.Config, vcenters []*vcenter) error {
	if len(vcenters) == 1 {
		guests, err := newHypervisor(c, vcenters[0].server)
		if err == nil {
			vcenters[0].server.UseHypervisor(guests)
		}
		return err
	}
	shared := machine.NewShared()
	guests, err := newHypervisor(c, shared)
	if err != nil {
		return err
	}
	shared.Use(guests)
	for number, v := range vcenters {
		prefix := ""
		if number > 0 {
			prefix = fmt.Sprintf("vc%d-", number+1)
		}
		v.server.UseHypervisor(shared.Tenant(prefix, v.server))
		for _, other := range vcenters {
			if other != v {
				v.server.Link(other.server, other.certificate)
			}
		}
	}
	return nil
}

func newHypervisor(c config.Config, events machine.Events) (machine.Hypervisor, error) {
	if c.Hypervisor == config.HypervisorQEMU {
		return hypervisor.New(c.HypervisorConfig, events)
	}
	subnets := map[string]string{}
	for _, network := range c.Networks {
		subnets[network.Name] = network.Subnet
	}
	return machine.NewNone(subnets, c.NetworkPool, events)
}

// serve serves until ctx is canceled or a listener fails. When it returns, all VMs are powered off.
func serve(ctx context.Context, c config.Config, vcenters []*vcenter) (err error) {
	for _, v := range vcenters {
		defer func() { err = errors.Join(err, v.control.Close(), v.server.Close()) }()
	}
	for hostPort, target := range c.Publish {
		if err := publish(vcenters[0].control, hostPort, target); err != nil {
			return err
		}
	}
	failures := make(chan error, 2*len(vcenters))
	var servers []*http.Server
	start := func(listener net.Listener, handler http.Handler) {
		server := httpServer(handler)
		servers = append(servers, server)
		go func() { failures <- server.Serve(listener) }()
	}
	for _, v := range vcenters {
		start(v.api, v.server.Handler())
		start(v.controls, v.control.Handler())
	}
	if err := announce(c.ReadyFile, vcenters); err != nil {
		return err
	}
	select {
	case err = <-failures:
	case <-ctx.Done():
	}
	// Shutdown ends calls that wait for updates, which would otherwise continue to wait.
	for _, v := range vcenters {
		v.server.Faults().Clear()
	}
	deadline, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	for _, s := range servers {
		if s.Shutdown(deadline) != nil {
			_ = s.Close() // disconnects the remaining clients
		}
	}
	return err
}

func publish(api *control.Control, hostPort, target string) error {
	name, port, err := config.Target(target)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(hostPort)
	if err != nil {
		return err
	}
	_, err = api.Publish(name, port, number)
	return err
}

func httpServer(handler http.Handler) *http.Server {
	// Failed TLS handshakes are not logged: tests connect with untrusted certificates on purpose.
	return &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.New(discard{}, "", 0)}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// announce writes the ready file, which tells the controller that the API answers.
func announce(file string, vcenters []*vcenter) error {
	content := vcenters[0].ready()
	content["pid"] = os.Getpid()
	if len(vcenters) > 1 {
		content["second"] = vcenters[1].ready()
	}
	ready, err := json.Marshal(content)
	if err != nil {
		return err
	}
	temporary := file + ".new"
	if err := errors.Join(os.WriteFile(temporary, ready, 0o600), os.Rename(temporary, file)); err != nil {
		return err
	}
	for _, v := range vcenters {
		slog.Info("the lab's vCenter is ready", "listen", v.config.Listen, "control", v.config.Control)
	}
	_, err = fmt.Println(string(ready))
	return err
}

func (v *vcenter) ready() map[string]any {
	return map[string]any{"listen": v.config.Listen, "control": v.config.Control, "ca_path": v.authority,
		"thumbprint": certificates.Thumbprint(v.certificate), "thumbprint_sha1": certificates.ThumbprintSHA1(v.certificate)}
}
