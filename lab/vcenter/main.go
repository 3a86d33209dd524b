// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command vcenter is the lab's vCenter: its API, the machines behind it, and the control API for tests.
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

func main() {
	path := flag.String("config", "", "the configuration, a JSON file (internal/config)")
	flag.Parse()
	if *path == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*path); err != nil {
		fmt.Fprintln(os.Stderr, "vcenter:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	c, err := config.Read(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
		return err
	}
	certificate, authority, err := certificates.Ensure(c.StateDir)
	if err != nil {
		return err
	}
	// Before anything is started: a port that is taken should cost nothing.
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	controlListener, err := net.Listen("tcp", c.Control)
	if err != nil {
		return err
	}
	defer controlListener.Close()
	c.Listen, c.Control = listener.Addr().String(), controlListener.Addr().String()

	if c.Second != nil {
		return errors.New("a second vCenter is not served yet")
	}
	server, err := vsim.New(c)
	if err != nil {
		return err
	}
	guests, err := newHypervisor(c, server)
	if err != nil {
		return err
	}
	server.UseHypervisor(guests)
	ready := map[string]any{"listen": c.Listen, "control": c.Control, "ca_path": authority, "pid": os.Getpid(),
		"thumbprint": certificates.Thumbprint(certificate), "thumbprint_sha1": certificates.ThumbprintSHA1(certificate)}
	return serve(ctx, c, server, tls.NewListener(listener, tlsConfig(certificate)), controlListener, ready)
}

func newHypervisor(c config.Config, events machine.Events) (machine.Hypervisor, error) {
	if c.Hypervisor == config.HypervisorQEMU {
		return hypervisor.New(c.HypervisorConfig, events)
	}
	subnets := map[string]string{}
	for _, network := range c.AllNetworks() {
		subnets[network.Name] = network.Subnet
	}
	return machine.NewNone(subnets, events)
}

func tlsConfig(certificate tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
}

// serve returns when it has been told to stop, or cannot go on; nothing runs any more then.
func serve(ctx context.Context, c config.Config, server *vsim.Server, api, controls net.Listener, ready map[string]any) (err error) {
	controlAPI := control.New(server)
	defer func() { err = errors.Join(err, controlAPI.Close(), server.Close()) }()
	for hostPort, target := range c.Publish {
		if err := publish(controlAPI, hostPort, target); err != nil {
			return err
		}
	}
	failures := make(chan error, 2)
	servers := []*http.Server{httpServer(server.Handler()), httpServer(controlAPI.Handler())}
	for number, listener := range []net.Listener{api, controls} {
		go func() { failures <- servers[number].Serve(listener) }()
	}
	if err := announce(c, ready); err != nil {
		return err
	}
	select {
	case err = <-failures:
	case <-ctx.Done():
	}
	// Calls that wait for updates would wait on.
	server.Faults().Clear()
	deadline, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	for _, s := range servers {
		if s.Shutdown(deadline) != nil {
			_ = s.Close() // the only clients left are gone with it
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
	// Handshakes that fail are of clients that try wrong certificates, which tests do.
	return &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.New(discard{}, "", 0)}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// announce tells the controller that the API answers.
func announce(c config.Config, what map[string]any) error {
	ready, err := json.Marshal(what)
	if err != nil {
		return err
	}
	temporary := c.ReadyFile + ".new"
	if err := errors.Join(os.WriteFile(temporary, ready, 0o600), os.Rename(temporary, c.ReadyFile)); err != nil {
		return err
	}
	slog.Info("the lab's vCenter serves", "listen", c.Listen, "control", c.Control)
	_, err = fmt.Println(string(ready))
	return err
}
