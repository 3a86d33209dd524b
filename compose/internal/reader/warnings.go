// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package reader

import (
	"io"
	"slices"

	"github.com/sirupsen/logrus"
)

// recorder keeps the warnings of the loader.
type recorder struct{ seen []string }

func recordWarnings() *recorder {
	recorder := &recorder{}
	logrus.SetOutput(io.Discard)
	logrus.StandardLogger().ReplaceHooks(logrus.LevelHooks{})
	logrus.AddHook(recorder)
	return recorder
}

// Levels returns the levels of warnings and of errors.
func (r *recorder) Levels() []logrus.Level { return logrus.AllLevels[:logrus.WarnLevel+1] }

// Fire keeps a message, once.
func (r *recorder) Fire(entry *logrus.Entry) error {
	if !slices.Contains(r.seen, entry.Message) {
		r.seen = append(r.seen, entry.Message)
	}
	return nil
}

func (r *recorder) messages() []string {
	slices.Sort(r.seen)
	return append([]string{}, r.seen...)
}
