// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package syslog

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/spec"
	"gantry.invalid/guest/internal/tlsclient"
	"gantry.invalid/guest/logbuf"
)

// stream is a server of a transport that is a stream.
type stream struct {
	spec.Syslog             // but for its address
	config      *tls.Config // nil: without TLS
}

// program is the name by which the tests' own program is the program for TLS.
const program = "syslogtls"

func TestMain(m *testing.M) {
	if os.Args[0] == program {
		tlsclient.Run()
	}
	os.Exit(m.Run())
}

// startTLS starts the program for TLS as init does.
func startTLS(messages, server *os.File) (int, <-chan syscall.WaitStatus, error) {
	command := exec.Command("/proc/self/exe")
	command.Args[0], command.Stdin, command.Stderr, command.ExtraFiles = program, messages, os.Stderr, []*os.File{server}
	if err := command.Start(); err != nil {
		return 0, nil, err
	}
	ended := make(chan syscall.WaitStatus, 1)
	go func() {
		_ = command.Wait()
		ended <- command.ProcessState.Sys().(syscall.WaitStatus)
	}()
	return command.Process.Pid, ended, nil
}

// streams returns a server of each transport that is a stream.
func streams(t *testing.T) map[string]stream {
	t.Helper()
	ca := newAuthority(t)
	return map[string]stream{
		"tcp": {Syslog: spec.Syslog{Transport: spec.SyslogTCP}},
		"tls": {Syslog: ca.trusted(), config: ca.server(t, local())},
	}
}

// at returns the server of the spec at an address.
func (s stream) at(address string) spec.Syslog {
	s.Address = address
	return s.Syslog
}

// accept returns a connection with the messages that come by it.
func (s stream) accept(t *testing.T, listener net.Listener) (net.Conn, *bufio.Reader) {
	t.Helper()
	connection, messages := accept(t, listener)
	if s.config == nil {
		return connection, messages
	}
	encrypted := tls.Server(connection, s.config)
	return encrypted, bufio.NewReader(encrypted)
}

// authority is a CA.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the tests' CA"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key := newKey(t)
	made, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(made)
	if err != nil {
		t.Fatal(err)
	}
	return authority{certificate, key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// trusted returns a server of the spec that has a certificate of the CA.
func (a authority) trusted() spec.Syslog {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
	return spec.Syslog{Transport: spec.SyslogTLS, CA: string(text)}
}

// local returns a certificate for the servers of the tests, which is not signed yet.
func local() x509.Certificate {
	return x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

// server returns the configuration of a server with a certificate of the CA.
func (a authority) server(t *testing.T, template x509.Certificate) *tls.Config {
	t.Helper()
	key := newKey(t)
	made, err := x509.CreateCertificate(rand.Reader, &template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{made}, PrivateKey: key}}}
}

// refusal returns the error that is reported about a server.
func refusal(t *testing.T, wanted spec.Syslog, config *tls.Config) string {
	t.Helper()
	listener := listen(t, "127.0.0.1:0")
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			// Until the client closes the connection; which errors the server sees does not matter.
			_, _ = io.Copy(io.Discard, tls.Server(connection, config))
			_ = connection.Close()
		}
	}()
	wanted.Address = listener.Addr().String()
	f := followTo(t, wanted, 1<<20)
	f.say(t, logbuf.Stdout, "a\nb\n")
	go f.Run()
	f.await(t, "an error", func(status Status) bool { return status.Error != nil })
	f.Close(patience)
	if f.dropped != 2 {
		t.Errorf("%d were dropped, want all", f.dropped)
	}
	return *f.statuses[0].Error
}

func TestTheEndOfAConnectionByTLSIsMarked(t *testing.T) {
	ca := newAuthority(t)
	server := stream{Syslog: ca.trusted(), config: ca.server(t, local())}
	listener := listen(t, "127.0.0.1:0")
	f := followTo(t, server.at(listener.Addr().String()), 1<<20)
	f.say(t, logbuf.Stdout, "first\nlast\n")
	go f.Run()
	_, messages := server.accept(t, listener)
	for _, want := range []string{"first", "last"} {
		if got := text(t, messages); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	go f.Close(patience)
	// Without the mark it would be an unexpected end.
	if _, err := messages.ReadByte(); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func TestAServerWhoseCertificateIsNotValidGetsNothing(t *testing.T) {
	ca := newAuthority(t)
	expired, other := local(), local()
	expired.NotAfter = time.Now().Add(-time.Minute)
	other.IPAddresses, other.DNSNames = nil, []string{"logs.example.com"}
	for want, config := range map[string]*tls.Config{
		"certificate signed by unknown authority": newAuthority(t).server(t, local()),
		"certificate has expired":                 ca.server(t, expired),
		"cannot validate certificate for 127.0.0": ca.server(t, other),
	} {
		if got := refusal(t, ca.trusted(), config); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTLSIsOfVersion12OrLater(t *testing.T) {
	ca := newAuthority(t)
	config := ca.server(t, local())
	config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if got := refusal(t, ca.trusted(), config); !strings.Contains(got, "protocol version not supported") {
		t.Errorf("got %q", got)
	}
}

func TestAnyCertificateIsAcceptedOnRequest(t *testing.T) {
	expired := local()
	expired.NotAfter, expired.IPAddresses = time.Now().Add(-time.Minute), nil
	server := stream{
		Syslog: spec.Syslog{Transport: spec.SyslogTLS, SkipVerify: true}, config: newAuthority(t).server(t, expired),
	}
	gets(t, server, "hello")
}

// gets sends a line to a server, which gets it.
func gets(t *testing.T, server stream, line string) {
	t.Helper()
	listener := listen(t, "127.0.0.1:0")
	f := followTo(t, server.at(listener.Addr().String()), 1<<20)
	f.say(t, logbuf.Stdout, line+"\n")
	go f.Run()
	_, messages := server.accept(t, listener)
	if got := text(t, messages); got != line {
		t.Errorf("got %q, want %q", got, line)
	}
	f.Close(patience)
}

func TestAServerThatRequiresACertificateOfTheClientIsReported(t *testing.T) {
	ca := newAuthority(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := ca.server(t, local())
		config.ClientAuth, config.MaxVersion = tls.RequireAnyClientCert, version
		if got := refusal(t, ca.trusted(), config); !strings.HasPrefix(got, "the server asked for a certificate of the client") {
			t.Errorf("%s: got %q", tls.VersionName(version), got)
		}
	}
}

func TestAServerThatOnlyAsksForACertificateOfTheClientGetsTheOutput(t *testing.T) {
	ca := newAuthority(t)
	config := ca.server(t, local())
	config.ClientAuth = tls.RequestClientCert
	gets(t, stream{Syslog: ca.trusted(), config: config}, "hello")
}

func TestACAWithoutCertificatesIsReported(t *testing.T) {
	wanted := spec.Syslog{Transport: spec.SyslogTLS, CA: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}
	if got := refusal(t, wanted, newAuthority(t).server(t, local())); got != "ca has no valid certificate in PEM" {
		t.Errorf("got %q", got)
	}
}

// watched follows a log to a server of TLS, and returns the processes that are started for it.
func watched(t *testing.T, listener net.Listener, server stream) (*following, <-chan process) {
	t.Helper()
	started := make(chan process, 10)
	f := followTo(t, server.at(listener.Addr().String()), 1<<25)
	f.Dial = dialer(f.wanted, func(messages, server *os.File) (int, <-chan syscall.WaitStatus, error) {
		pid, ended, err := startTLS(messages, server)
		if err != nil {
			return 0, nil, err
		}
		one := process{pid: pid, ended: make(chan struct{})}
		seen := make(chan syscall.WaitStatus, 1)
		go func() {
			status := <-ended
			close(one.ended)
			seen <- status
		}()
		started <- one
		return pid, seen, nil
	})
	return f, started
}

// process is a process of the program.
type process struct {
	pid   int
	ended chan struct{}
}

// end waits for the end of the process.
func (p process) end(t *testing.T) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatal("the process did not end")
	}
}

func TestAProcessThatDiesIsALostConnection(t *testing.T) {
	ca := newAuthority(t)
	server := stream{Syslog: ca.trusted(), config: ca.server(t, local())}
	listener := listen(t, "127.0.0.1:0")
	f, started := watched(t, listener, server)
	closed := f.reportCloses()
	go f.Run()
	for _, line := range []string{"first", "second"} {
		f.say(t, logbuf.Stdout, line+"\n")
		connection, messages := server.accept(t, listener)
		defer connection.Close()
		if got := text(t, messages); got != line {
			t.Errorf("got %q, want %q", got, line)
		}
		one := <-started
		if err := unix.Kill(one.pid, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		one.end(t)
		<-closed
	}
	f.Close(patience)
	if f.dropped != 0 {
		t.Errorf("%d were dropped", f.dropped)
	}
}

func TestNoProcessIsLeftOfAServerThatDoesNotRead(t *testing.T) {
	ca := newAuthority(t)
	server := stream{Syslog: ca.trusted(), config: ca.server(t, local())}
	listener := listen(t, "127.0.0.1:0")
	f, started := watched(t, listener, server)
	f.say(t, logbuf.Stdout, "first\n")
	go f.Run()
	connection, messages := server.accept(t, listener)
	defer connection.Close()
	if got := text(t, messages); got != "first" {
		t.Errorf("got %q", got)
	}
	// More than the buffers of both connections have room for, and less than the log has.
	for range 1000 {
		f.say(t, logbuf.Stdout, strings.Repeat("x", 16000)+"\n")
	}
	f.await(t, "an error", func(status Status) bool { return status.Error != nil })
	(<-started).end(t)
	f.Close(0)
}

func TestNoProcessIsStartedForAServerThatIsAway(t *testing.T) {
	listener := listen(t, "127.0.0.1:0")
	f, started := watched(t, listener, stream{Syslog: newAuthority(t).trusted()})
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	f.say(t, logbuf.Stdout, "a\n")
	go f.Run()
	f.await(t, "an error", func(status Status) bool { return status.Error != nil && strings.Contains(*status.Error, "refused") })
	f.Close(patience)
	if len(started) != 0 || f.dropped != 1 {
		t.Errorf("%d were started, %d dropped", len(started), f.dropped)
	}
}
