// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestAClientWithTheAuthorityTrustsTheServer(t *testing.T) {
	directory := t.TempDir()
	certificate, authority, err := Ensure(directory)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(authority)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		t.Fatal("no authority")
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(connection, connection) // a client that refuses the certificate causes an error
			_ = connection.Close()
		}
	}()
	for name, test := range map[string]struct {
		config *tls.Config
		trusts bool
	}{
		"by address": {&tls.Config{RootCAs: pool}, true},
		"by name":    {&tls.Config{RootCAs: pool, ServerName: "localhost"}, true},
		"other name": {&tls.Config{RootCAs: pool, ServerName: "example.org"}, false},
		"no CA":      {&tls.Config{RootCAs: x509.NewCertPool()}, false},
	} {
		connection, err := tls.Dial("tcp", listener.Addr().String(), test.config)
		if (err == nil) != test.trusts {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			if err := connection.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestOnlyTheSecondCertificateIsIncomplete(t *testing.T) {
	directory := t.TempDir()
	certificate, _, err := Ensure(directory)
	if err != nil {
		t.Fatal(err)
	}
	incomplete, err := Incomplete(directory)
	if err != nil {
		t.Fatal(err)
	}
	if len(certificate.Leaf.AuthorityKeyId) == 0 || len(incomplete.Leaf.AuthorityKeyId) != 0 {
		t.Errorf("identifiers of the authority: %x, %x", certificate.Leaf.AuthorityKeyId, incomplete.Leaf.AuthorityKeyId)
	}
}

func TestCertificatesAreKeptAndDamageIsNamed(t *testing.T) {
	directory := t.TempDir()
	first, _, err := Ensure(directory)
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := Ensure(directory)
	if err != nil || second.Leaf.SerialNumber.Cmp(first.Leaf.SerialNumber) != 0 {
		t.Errorf("created again: %v", err)
	}
	info, err := os.Stat(filepath.Join(directory, keyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(directory, keyFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Ensure(directory); err == nil {
		t.Error("a damaged key passed")
	}
	if err := os.Remove(filepath.Join(directory, keyFile)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Ensure(directory); err != nil {
		t.Errorf("a missing key: %v", err)
	}
}
