// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"os"
	"path/filepath"
	"testing"

	"gantry.invalid/guest/internal/spec"
)

// tree creates directories, files and symbolic links (name -> target).
func tree(t *testing.T, directories, files []string, links map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, path := range directories {
		if err := os.MkdirAll(filepath.Join(root, path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range files {
		if err := os.WriteFile(filepath.Join(root, path), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for path, target := range links {
		if err := os.Symlink(target, filepath.Join(root, path)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func exists(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestNoSkeletonForACompleteImage(t *testing.T) {
	image := tree(t, []string{"dev", "proc", "sys", "etc", "tmp"},
		[]string{"etc/hosts", "etc/hostname", "etc/resolv.conf"}, nil)
	missing, err := makeSkeleton(image, filepath.Join(t.TempDir(), "skeleton"),
		&spec.Spec{Tmpfs: []spec.Tmpfs{{Target: "/tmp"}}})
	if err != nil || missing {
		t.Errorf("missing is %v, %v", missing, err)
	}
}

func TestTheSkeletonHasOnlyTheMissingMountPoints(t *testing.T) {
	image := tree(t, []string{"etc", "proc", "sys", "real/run"}, []string{"etc/hosts"},
		map[string]string{"run": "/real/run", "etc/resolv.conf": "../run/nowhere/resolv.conf"})
	if err := os.Chmod(filepath.Join(image, "etc"), 0o750); err != nil {
		t.Fatal(err)
	}
	skeleton := filepath.Join(t.TempDir(), "skeleton")
	missing, err := makeSkeleton(image, skeleton, &spec.Spec{Tmpfs: []spec.Tmpfs{{Target: "/run/lock/deep"}}})
	if err != nil || !missing {
		t.Fatalf("missing is %v, %v", missing, err)
	}
	if !exists(t, filepath.Join(skeleton, "dev")).IsDir() {
		t.Error("no /dev")
	}
	// The link is followed inside the root.
	if !exists(t, filepath.Join(skeleton, "real/run/lock/deep")).IsDir() {
		t.Error("no tmpfs target")
	}
	// The dangling link is covered by a file.
	if !exists(t, filepath.Join(skeleton, "etc/resolv.conf")).Mode().IsRegular() {
		t.Error("no resolv.conf")
	}
	if mode := exists(t, filepath.Join(skeleton, "etc")).Mode().Perm(); mode != 0o750 {
		t.Errorf("/etc has mode %o", mode)
	}
	for _, path := range []string{"proc", "etc/hosts", "run"} {
		if _, err := os.Lstat(filepath.Join(skeleton, path)); err == nil {
			t.Errorf("%s is there", path)
		}
	}
}

func TestLinksDoNotLeadOutOfTheImage(t *testing.T) {
	outside := tree(t, []string{"victim"}, nil, nil)
	image := tree(t, nil, nil, map[string]string{"etc": filepath.Join(outside, "victim"), "dev": "/../../.."})
	skeleton := filepath.Join(t.TempDir(), "skeleton")
	if _, err := makeSkeleton(image, skeleton, &spec.Spec{}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(outside, "victim"))
	if err != nil || len(entries) > 0 {
		t.Errorf("found %v, %v", entries, err)
	}
}

func TestMountPointsHaveParentsFirst(t *testing.T) {
	points := mountPoints(&spec.Spec{Tmpfs: []spec.Tmpfs{{Target: "/a/b/"}, {Target: "/c"}, {Target: "/a"}}})
	var order []string
	for _, point := range points[3:6] {
		order = append(order, point.path)
	}
	if len(order) != 3 || order[0] != "/a" || order[1] != "/a/b" || order[2] != "/c" {
		t.Errorf("got %v", order)
	}
}
