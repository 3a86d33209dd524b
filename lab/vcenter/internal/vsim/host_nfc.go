// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Where hosts receive and send disks, and send files of guests. The URLs of a lease name the host of the VM, which has an address
// and a certificate of its own (HttpNfcLeaseDeviceUrl.url and .sslThumbprint of the API reference). Here it is a port of 127.0.0.1.

package vsim

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/certificates"
)

// nfcHost is the listener of one host.
type nfcHost struct {
	address     string
	certificate tls.Certificate
	server      *http.Server
}

// thumbprint returns the thumbprint that a lease shows.
func (h *nfcHost) thumbprint(kind string) string {
	switch kind {
	case "sha1":
		return certificates.ThumbprintSHA1(h.certificate)
	case "sha256":
		return certificates.Thumbprint(h.certificate)
	}
	return ""
}

// ServeHosts makes every host listen for transfers of disks. Close ends it.
func (s *Server) ServeHosts() error {
	s.nfcHosts = map[ref]*nfcHost{}
	for _, host := range s.site.hosts {
		certificate, err := certificates.SelfSigned(host.Name)
		if err != nil {
			return fmt.Errorf("certificate of %s: %w", host.Name, err)
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		// Failed TLS handshakes are not logged: clients refuse the certificate, and tests expect it.
		server := &http.Server{Handler: contain(s.nfcHandler(host.Self)), ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
		s.nfcHosts[host.Self] = &nfcHost{listener.Addr().String(), certificate, server}
		encrypted := tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
		go func() { _ = server.Serve(encrypted) }() // it returns when the server is closed
	}
	s.showCertificates(s.Behavior())
	return nil
}

// showCertificates shows in the summary of each host what vCenter knows of its certificate: a thumbprint, or since 9.0 the
// certificate itself, never both (HostConfigSummary.sslThumbprint and .sslCertificate of the API reference).
func (s *Server) showCertificates(behavior Behavior) {
	for _, host := range s.site.hosts {
		listener := s.nfcHosts[host.Self]
		if listener == nil {
			continue
		}
		s.locked(host, func(ctx *simulator.Context) {
			summary := host.Summary
			summary.Config.SslThumbprint, summary.Config.SslCertificate = listener.thumbprint(behavior.HostThumbprint), ""
			if behavior.knowsCertificates() {
				summary.Config.SslThumbprint, summary.Config.SslCertificate = "", certificates.PEM(listener.certificate)
			}
			ctx.Update(host, []types.PropertyChange{set("summary", summary)})
		})
	}
}

func (s *Server) closeHosts() error {
	var failures []error
	for _, host := range s.nfcHosts {
		failures = append(failures, host.server.Close())
	}
	return errors.Join(failures...)
}

// nfcHandler transfers the disks of the VMs on one host, and sends the files of their guests.
func (s *Server) nfcHandler(host ref) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(nfcPrefix, func(w http.ResponseWriter, r *http.Request) { s.serveLease(w, r, &host) })
	mux.HandleFunc(guestFilePath, func(w http.ResponseWriter, r *http.Request) { s.serveGuestFile(w, r, &host) })
	return mux
}
