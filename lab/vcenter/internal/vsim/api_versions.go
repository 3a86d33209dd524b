// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The versions of the API. vCenter lists those that it accepts in vimServiceVersions.xml, and a client sends the version of its
// request in the header SOAPAction. That an older one is refused is what the reference says of versions that are not listed; the
// text of the fault is that of govmomi issue 2305, and its being the answer to an old version is unconfirmed. Newer versions are
// accepted, as govmomi relies on.

package vsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/xml"
)

// apiVersions are the versions of the API, oldest first.
var apiVersions = []string{"5.5", "6.0", "6.5", "6.7", "6.7.1", "6.7.2", "6.7.3", "7.0.0.0", "7.0.1.0", "7.0.2.0", "7.0.3.0", "8.0.0.1",
	"8.0.1.0", "8.0.2.0", "8.0.3.0", "9.0.0.0"}

// accepted returns the versions that a vCenter accepts, newest first.
func (b Behavior) accepted() []string {
	oldest, newest := slices.Index(apiVersions, b.OldestAPI), slices.Index(apiVersions, b.API)
	versions := slices.Clone(apiVersions[oldest : newest+1])
	slices.Reverse(versions)
	return versions
}

// knowsCertificates returns whether the API has sslCertificate beside sslThumbprint.
func (b Behavior) knowsCertificates() bool {
	return slices.Index(apiVersions, b.API) >= slices.Index(apiVersions, "9.0.0.0")
}

func (s *Server) serveVersions(w http.ResponseWriter, _ *http.Request) {
	var prior strings.Builder
	versions := s.Behavior().accepted()
	for _, version := range versions[1:] {
		fmt.Fprintf(&prior, "   <version>%s</version>\n", version)
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, xml.Header+`<namespaces version="1.0">
 <namespace>
  <name>urn:vim25</name>
  <version>%s</version>
  <priorVersions>
%s  </priorVersions>
 </namespace>
</namespaces>
`, versions[0], prior.String())
}

// versioned refuses requests of versions that are too old.
func (s *Server) versioned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		uri := strings.Trim(r.Header.Get("SOAPAction"), `"`)
		requested, isVIM := strings.CutPrefix(uri, "urn:vim25/")
		at := slices.Index(apiVersions, requested)
		if !isVIM || at < 0 || at >= slices.Index(apiVersions, s.Behavior().OldestAPI) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, xml.Header+`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault>`+
			`<faultcode>VersionMismatchFaultCode</faultcode><faultstring>Unsupported version URI "%s"`+"\n\nwhile parsing SOAP body"+
			`</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`, uri)
	})
}

// showAPI shows the version in the description of vCenter.
func (s *Server) showAPI(version string) {
	instance := s.registry.Get(vim25.ServiceInstance).(*simulator.ServiceInstance)
	s.withLock(s.context(), instance, func() {
		about := &instance.Content.About
		about.ApiVersion, about.Version = version, strings.TrimSuffix(version, ".0")
		about.FullName = "VMware vCenter Server " + about.Version + " (gantry lab)"
	})
}
