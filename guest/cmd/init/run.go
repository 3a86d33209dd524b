// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/filesystems"
	"gantry.invalid/guest/internal/network"
	"gantry.invalid/guest/internal/redirect"
	"gantry.invalid/guest/internal/report"
	"gantry.invalid/guest/internal/rootfs"
	"gantry.invalid/guest/internal/spec"
	"gantry.invalid/guest/internal/supervise"
	"gantry.invalid/guest/logbuf"
)

// exitRecord is the file with the last status, beside the log.
const exitRecord = "exit.json"

// run runs the container of the spec and returns how it ended.
func (m *machine) run() supervise.Outcome {
	document, kind, err := readSpec(m.stop.booting, m.hostChannel, m.finder(), m.console)
	if err != nil {
		return m.bootFailed(err, failure.SpecMissing)
	}
	wanted, err := spec.Parse(document)
	if err != nil {
		return m.bootFailed(err, failure.SpecInvalid)
	}
	m.contents = newContents(m)
	m.follower = m.newFollower(wanted)
	m.operations.enable(wanted)
	m.reporter.Update(func(status *report.Status) {
		status.ID, status.Document = wanted.ID, kind
		if wanted.GuestOperations != nil {
			status.GuestOperations = &report.GuestOperations{}
		}
	})
	if err := m.prepare(wanted, document); err != nil {
		if m.stop.booting.Err() != nil {
			return supervise.Outcome{End: supervise.End{ExitCode: 128 + int(wanted.Stop.Number())}}
		}
		return m.bootFailed(err, failure.StartFailed)
	}
	endNames := m.followNames()
	defer endNames()
	endFollowing := inBackground(m.follower.Follow)
	defer endFollowing()
	endReplacing := inBackground(m.contents.follow)
	defer endReplacing()
	// Before the container gets the memory that is available.
	if err := provideTLS(wanted.Log, packedTLS, programTLS); err != nil {
		return m.bootFailed(err, failure.StartFailed)
	}
	group, err := m.limitContainer(wanted)
	if err != nil {
		return m.bootFailed(err, failure.StartFailed)
	}
	output, err := logbuf.Open(filepath.Join(rootfs.StateDirectory, "log"), wanted.Log.MaxBytes)
	if err != nil {
		return m.bootFailed(err, failure.ScratchMountFailed)
	}
	m.lastOutput = output.Last
	m.operations.server.ServeLog(output.Read)
	finishSending, err := m.sendOutput(wanted, output)
	if err != nil {
		return m.bootFailed(err, failure.StartFailed)
	}
	starter := &starter{machine: m, spec: wanted, log: output, cgroup: group}
	supervisor := &supervise.Supervisor{
		Spec: wanted, Start: starter.start, Restart: m.restartPolicy, Reporter: m.reporter, PublishLog: func() { m.publishLog("") },
		MemoryAvailable: func() int64 {
			available, err := memoryAvailable()
			if err != nil {
				m.logError(err)
			}
			return available
		},
		Logf: m.console.logf, Note: m.noter(output),
	}
	outcome := supervisor.Run(m.stop.requested)
	finishSending()
	if err := output.Close(); err != nil {
		m.logError(err)
	}
	return outcome
}

// bootFailed returns the outcome of a boot that did not start the container: a failure with the code of err or else the
// given code, or no failure if a stop was requested.
func (m *machine) bootFailed(err error, code failure.Code) supervise.Outcome {
	if errors.Is(err, context.Canceled) {
		return supervise.Outcome{End: supervise.End{ExitCode: 128 + int(unix.SIGTERM)}}
	}
	return supervise.Outcome{Failure: failure.From(err, code)}
}

// prepare prepares the root file system and the network concurrently.
func (m *machine) prepare(wanted *spec.Spec, document []byte) error {
	if err := unix.Sethostname([]byte(wanted.Hostname)); err != nil {
		return failure.New(failure.StartFailed, "set the host name: %v", err)
	}
	ctx, cancel := context.WithCancel(m.stop.booting)
	defer cancel()
	networks := make(chan error, 1)
	go func() { networks <- m.connect(ctx, wanted) }()
	err := m.rootBuilder(wanted.ID, document).Prepare(ctx, wanted)
	if err != nil {
		cancel()
		<-networks
		return err
	}
	m.discardFileSystems()
	if err := m.provideFiles(ctx); err != nil {
		cancel()
		<-networks
		return err
	}
	if err := <-networks; err != nil {
		return err
	}
	return m.mountNFS(ctx, wanted.NFS)
}

// discardFileSystems removes from memory what no volume needs, when all are mounted.
func (m *machine) discardFileSystems() {
	if err := errors.Join(m.modules.Discard(spec.FileSystemXFS), filesystems.DiscardXFS()); err != nil {
		m.logError(err)
	}
}

// connect configures the network and writes the files in /etc that depend on it, also when a lease changes.
func (m *machine) connect(ctx context.Context, wanted *spec.Spec) error {
	if err := network.SetDefaults(); err != nil {
		m.logError(err)
	}
	if err := m.redirectPorts(wanted.Redirects); err != nil {
		return err
	}
	var manager *network.Manager
	manager = m.networkManager(wanted.Hostname, func() {
		if err := m.networkChanged(manager, wanted); err != nil {
			m.logError(err)
		}
	})
	if err := manager.Configure(ctx, wanted.Networks); err != nil {
		return err
	}
	if err := m.openResolver(wanted); err != nil {
		return err
	}
	return failureOrNil(m.networkChanged(manager, wanted), failure.NetworkFailed)
}

// redirectPorts redirects ports before the adapters have addresses, so that nothing is answered by another port. Without
// redirects, the kernel modules for them are removed from memory.
func (m *machine) redirectPorts(redirects []spec.Redirect) error {
	if len(redirects) > 0 {
		return redirect.Apply(redirects, m.modules.Load)
	}
	if err := m.modules.Discard(redirect.Modules...); err != nil {
		m.logError(err)
	}
	return nil
}

func (m *machine) networkChanged(manager *network.Manager, wanted *spec.Spec) error {
	servers, search := manager.Resolver()
	for name, content := range map[string]string{
		"hostname":    wanted.Hostname + "\n",
		"hosts":       network.HostsFile(wanted.Hostname, manager.PrimaryAddress(), wanted.Hosts),
		"resolv.conf": m.resolvFile(wanted.DNS, servers, search),
	} {
		if err := rewrite(filepath.Join(rootfs.EtcDirectory, name), content); err != nil {
			return err
		}
	}
	m.announce(wanted.Hostname)
	return nil
}

// rewrite overwrites the file in place, because it is mounted in the container.
func rewrite(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}

func failureOrNil(err error, code failure.Code) error {
	if err == nil {
		return nil
	}
	return failure.From(err, code)
}

// publishLog publishes the end of the container's output, followed by a last line of init.
func (m *machine) publishLog(lastLine string) {
	var last logbuf.Page
	if m.lastOutput != nil {
		var err error
		if last, err = m.lastOutput(); err != nil {
			m.logError(err)
		}
	}
	if lastLine != "" {
		last.Add(logbuf.Stderr, lastLine)
	}
	m.output = last.Text()
	m.reporter.PublishLog(last)
}

// report publishes the final status and writes it to the scratch disk. A program that could not be executed is reported by
// its exit code, every other failure as an error.
func (m *machine) report(outcome supervise.Outcome) {
	if outcome.Failure != nil {
		m.console.logf("%v", outcome.Failure)
		m.publishLog(fmt.Sprintf("gantry: %v\n", outcome.Failure))
	} else {
		m.console.logf("exit code %d", outcome.ExitCode)
		m.publishLog("")
	}
	m.reporter.Update(func(status *report.Status) {
		status.PID = 0
		status.FinishedAt = report.Timestamp(time.Now())
		status.Error = outcome.Failure
		status.OOMKilled = outcome.OOMKilled
		status.State = report.Exited
		if outcome.Failure != nil && outcome.ExitCode == 0 {
			status.State = report.Error
			return
		}
		status.ExitCode = &outcome.ExitCode
	})
	if m.lastOutput == nil {
		return
	}
	if err := m.keepRecord(); err != nil {
		m.logError(err)
	}
}

func (m *machine) keepRecord() error {
	record, err := json.MarshalIndent(m.reporter.Status(), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(rootfs.StateDirectory, exitRecord), append(record, '\n'), 0o600)
}
