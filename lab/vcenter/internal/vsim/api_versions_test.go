// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"net/http"
	"strings"
	"testing"
)

const describe = `<?xml version="1.0"?><Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>` +
	`<RetrieveServiceContent xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this></RetrieveServiceContent></Body></Envelope>`

func (l *lab) askWith(version string) (int, string) {
	return l.request(http.MethodPost, "https://"+l.url.Host+"/sdk", strings.NewReader(describe), func(r *http.Request) {
		r.Header.Set("SOAPAction", `"urn:vim25/`+version+`"`)
	})
}

func TestOldVersionsOfTheAPIAreRefused(t *testing.T) {
	l := newLab(t)
	if status, text := l.askWith("5.5"); status != http.StatusOK {
		t.Errorf("usually: %d %s", status, text)
	}
	l.behave(`{"oldest_api": "7.0.0.0"}`)
	if status, text := l.askWith("6.7"); status != http.StatusInternalServerError || !strings.Contains(text, `Unsupported version URI "urn:vim25/6.7"`) {
		t.Errorf("an old one: %d %s", status, text)
	}
	for _, version := range []string{"7.0.0.0", "8.0.3.0", "9.0.0.0", "", "none"} {
		if status, text := l.askWith(version); status != http.StatusOK {
			t.Errorf("%q: %d %s", version, status, text)
		}
	}
	_, listed := l.request(http.MethodGet, "https://"+l.url.Host+"/sdk/vimServiceVersions.xml", nil)
	if !strings.Contains(listed, "<version>8.0.3.0</version>") || !strings.Contains(listed, "<version>7.0.0.0</version>") || strings.Contains(listed, ">6.7<") {
		t.Errorf("listed: %s", listed)
	}
}

func TestTheVersionOfTheAPICanBeChosen(t *testing.T) {
	l := newLab(t)
	l.behave(`{"api": "9.0.0.0"}`)
	if about := l.connect().ServiceContent.About; about.ApiVersion != "9.0.0.0" || about.Version != "9.0.0" {
		t.Errorf("%+v", about)
	}
	l.server.BehaveAsUsual()
	if about := l.connect().ServiceContent.About; about.ApiVersion != "8.0.3.0" || about.Version != "8.0.3" {
		t.Errorf("as usual: %+v", about)
	}
}
