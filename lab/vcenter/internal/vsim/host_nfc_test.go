// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"

	"gantry.invalid/lab/vcenter/internal/certificates"
)

func (l *lab) behave(choices string) {
	l.Helper()
	if err := l.server.Behave(strings.NewReader(choices)); err != nil {
		l.Fatal(err)
	}
}

func TestDisksAreUploadedToTheHostOfTheVM(t *testing.T) {
	l := newLab(t)
	_, stream := l.streamed()
	_, info := l.lease("image")
	address := must(url.Parse(info.DeviceUrl[0].Url))(t)
	if address.Host == l.url.Host {
		t.Fatal("the URL names vCenter")
	}
	connection := must(tls.Dial("tcp", address.Host, &tls.Config{InsecureSkipVerify: true}))(t)
	defer connection.Close()
	shown := tls.Certificate{Leaf: connection.ConnectionState().PeerCertificates[0]}
	if info.DeviceUrl[0].SslThumbprint != certificates.ThumbprintSHA1(shown) {
		t.Errorf("the lease has the thumbprint %s, the host has %s", info.DeviceUrl[0].SslThumbprint, certificates.ThumbprintSHA1(shown))
	}
	for host, other := range l.server.nfcHosts {
		if other.address != address.Host {
			elsewhere := *address
			elsewhere.Host = other.address
			if status, _ := l.request(http.MethodPost, elsewhere.String(), bytes.NewReader(stream)); status != http.StatusNotFound {
				t.Errorf("%v took the disk of another host: %d", host, status)
			}
		}
	}
	if status, text := l.request(http.MethodPost, address.String(), bytes.NewReader(stream)); status != http.StatusCreated {
		t.Errorf("%d: %s", status, text)
	}
}

func TestTheURLsOfALeaseVary(t *testing.T) {
	l := newLab(t)
	for choice, digits := range map[string]int{"sha1": 40, "sha256": 64, "none": 0} {
		l.behave(`{"host_thumbprint": "` + choice + `"}`)
		_, info := l.lease("image-" + choice)
		if got := strings.ReplaceAll(info.DeviceUrl[0].SslThumbprint, ":", ""); len(got) != digits {
			t.Errorf("%s: the thumbprint %q", choice, got)
		}
	}
	l.behave(`{"api": "9.0.0.0"}`)
	if _, info := l.lease("image-9"); !strings.HasPrefix(info.DeviceUrl[0].SslCertificate, "-----BEGIN CERTIFICATE-----") {
		t.Errorf("9.0: the certificate %q", info.DeviceUrl[0].SslCertificate)
	}
	l.behave(`{"upload_url": "vcenter"}`)
	_, stream := l.streamed()
	_, info := l.lease("image")
	if !strings.HasPrefix(info.DeviceUrl[0].Url, "https://*:"+l.url.Port()+nfcPrefix) {
		t.Fatalf("the URL %s", info.DeviceUrl[0].Url)
	}
	address := strings.Replace(info.DeviceUrl[0].Url, "*", l.url.Hostname(), 1)
	if status, text := l.request(http.MethodPost, address, bytes.NewReader(stream)); status != http.StatusCreated {
		t.Errorf("%d: %s", status, text)
	}
}

func TestTheSummaryOfAHostHasItsCertificate(t *testing.T) {
	l := newLab(t)
	host := l.server.site.hosts[0]
	shown := l.server.nfcHosts[host.Self].certificate
	for choices, want := range map[string][2]string{
		`{"host_thumbprint": "sha1"}`:   {certificates.ThumbprintSHA1(shown), ""},
		`{"host_thumbprint": "sha256"}`: {certificates.Thumbprint(shown), ""},
		`{"host_thumbprint": "none"}`:   {"", ""},
		`{"api": "9.0.0.0"}`:            {"", certificates.PEM(shown)},
	} {
		l.server.BehaveAsUsual()
		l.behave(choices)
		var found mo.HostSystem
		if err := property.DefaultCollector(l.client.Client).RetrieveOne(t.Context(), host.Self, []string{"summary.config"}, &found); err != nil {
			t.Fatal(err)
		}
		if got := [2]string{found.Summary.Config.SslThumbprint, found.Summary.Config.SslCertificate}; got != want {
			t.Errorf("%s: %q, not %q", choices, got, want)
		}
	}
}

func TestAHostAnswersWhenItHasWritten(t *testing.T) {
	l := newLab(t)
	_, stream := l.streamed()
	l.behave(`{"upload_answer_seconds": 0.5}`)
	_, info := l.lease("image")
	begin := time.Now()
	if status, text := l.request(http.MethodPost, info.DeviceUrl[0].Url, bytes.NewReader(stream)); status != http.StatusCreated {
		t.Fatalf("%d: %s", status, text)
	}
	if took := time.Since(begin); took < 500*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
	l.behave(`{"upload_answer_seconds": 3600}`)
	lease, info := l.lease("other")
	ended := make(chan int)
	go func() {
		status, _ := l.request(http.MethodPost, info.DeviceUrl[0].Url, bytes.NewReader(stream))
		ended <- status
	}()
	inside := l.server.leaseOf(lease.Reference())
	l.eventually("uploading", func() bool {
		inside.mu.Lock()
		defer inside.mu.Unlock()
		return len(inside.transfers) > 0
	})
	if err := lease.Abort(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	<-ended // aborting ends the wait
}

func TestUnknownBehaviorIsRefused(t *testing.T) {
	l := newLab(t)
	for choices, words := range map[string]string{
		`{"colour": "red"}`:                   "unknown field",
		`{"upload_url": "proxy"}`:             "must be one of [host vcenter]",
		`{"api": "1.0"}`:                      "must be one of",
		`{"api": "6.0", "oldest_api": "6.7"}`: "is newer than",
		`{"extra_config_bytes": 0}`:           "must be positive",
		`{"host_thumbprint": "md5"}`:          "must be one of [sha1 sha256 none]",
		`{"upload_answer_seconds": -1}`:       "must not be negative",
		`{"upload_answer_seconds": "1s"}`:     "cannot unmarshal",
	} {
		if err := l.server.Behave(strings.NewReader(choices)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", choices, err)
		}
	}
	if l.server.Behavior() != usualBehavior() {
		t.Errorf("a refused choice had an effect: %+v", l.server.Behavior())
	}
}
