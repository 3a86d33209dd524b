// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package certificates creates the lab's certificate authority and the server certificate of the API.
package certificates

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	authorityFile   = "ca.pem"
	certificateFile = "vcenter.pem"
	keyFile         = "vcenter-key.pem"
	// incompleteFile is a second certificate of the same key, without the identifier of the authority's key.
	incompleteFile = "vcenter-incomplete.pem"
	lifetime       = 365 * 24 * time.Hour
	// A certificate must not expire during a long run.
	renewBefore = 24 * time.Hour
)

// Ensure returns the certificate in directory, and the path of the authority that clients trust. Missing or expiring files are
// created again. The key of the authority is not kept, so that it can sign nothing else.
func Ensure(directory string) (certificate tls.Certificate, authority string, err error) {
	authority = filepath.Join(directory, authorityFile)
	certificate, err = load(directory)
	if err == nil && time.Until(certificate.Leaf.NotAfter) > renewBefore {
		return certificate, authority, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return tls.Certificate{}, "", fmt.Errorf("certificate in %s: %w; remove the file to create a new certificate", directory, err)
	}
	if err := create(directory); err != nil {
		return tls.Certificate{}, "", fmt.Errorf("creating a certificate: %w", err)
	}
	certificate, err = load(directory)
	return certificate, authority, err
}

// Incomplete returns the second certificate in directory. It lacks the extension that identifies the authority's key: RFC 5280
// requires it, authorities of companies leave it out, and Python 3.13 and later refuse the certificate.
func Incomplete(directory string) (tls.Certificate, error) {
	return tls.LoadX509KeyPair(filepath.Join(directory, incompleteFile), filepath.Join(directory, keyFile))
}

func load(directory string) (tls.Certificate, error) {
	for _, name := range []string{authorityFile, incompleteFile} {
		if _, err := os.Stat(filepath.Join(directory, name)); err != nil {
			return tls.Certificate{}, err
		}
	}
	return tls.LoadX509KeyPair(filepath.Join(directory, certificateFile), filepath.Join(directory, keyFile))
}

func create(directory string) error {
	now := time.Now()
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	authority := template("gantry lab CA", now)
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	server := template("gantry lab vCenter", now)
	server.KeyUsage, server.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	server.IPAddresses, server.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, []string{"localhost"}
	parent, err := x509.ParseCertificate(authorityDER)
	if err != nil {
		return err
	}
	serverDER, err := x509.CreateCertificate(rand.Reader, server, parent, key.Public(), authorityKey)
	if err != nil {
		return err
	}
	incomplete := *parent
	incomplete.SubjectKeyId = nil // which becomes the identifier of the authority's key
	incompleteDER, err := x509.CreateCertificate(rand.Reader, server, &incomplete, key.Public(), authorityKey)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		write(directory, keyFile, 0o600, "PRIVATE KEY", keyDER),
		write(directory, certificateFile, 0o600, "CERTIFICATE", serverDER),
		write(directory, incompleteFile, 0o600, "CERTIFICATE", incompleteDER),
		write(directory, authorityFile, 0o644, "CERTIFICATE", authorityDER))
}

// SelfSigned returns a new certificate of an ESXi host, which no authority has signed.
func SelfSigned(name string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	host := template(name, time.Now())
	host.KeyUsage, host.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	host.DNSNames = []string{name}
	der, err := x509.CreateCertificate(rand.Reader, host, host, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

func template(name string, now time.Time) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // the system has no randomness
	}
	return &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(lifetime)}
}

func write(directory, name string, mode os.FileMode, kind string, content []byte) error {
	path := filepath.Join(directory, name)
	// An existing file would keep its mode.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), mode)
}

// PEM returns the certificate in the format of sslCertificate in the API.
func PEM(certificate tls.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Leaf.Raw}))
}

// Thumbprint returns the SHA-256 of the certificate in the notation of vSphere: pairs of uppercase hexadecimal digits.
func Thumbprint(certificate tls.Certificate) string {
	sum := sha256.Sum256(certificate.Leaf.Raw)
	return pairs(sum[:])
}

// ThumbprintSHA1 returns the SHA-1, the only thumbprint that vSphere's API accepted before 8.0.
func ThumbprintSHA1(certificate tls.Certificate) string {
	sum := sha1.Sum(certificate.Leaf.Raw)
	return pairs(sum[:])
}

func pairs(sum []byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}
