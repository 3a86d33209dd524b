// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/spec"
)

// The devices that every container has, as in Docker.
var devices = []struct {
	name         string
	major, minor uint32
}{{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}}

var deviceLinks = []struct{ name, target string }{
	{"ptmx", "pts/ptmx"}, {"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"}, {"core", "/proc/kcore"},
}

// Paths that a container must not change or read, as in Docker: they are not namespaced, and a container that can write
// there can run code as init.
var (
	readOnlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
	maskedPaths   = []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
		"/sys/firmware",
	}
)

type mountEntry struct {
	what, where, kind string
	flags             uintptr
	options           string
}

// Enter makes Root the root of the calling process and mounts the other file systems in it. The caller must be the first
// process of a new PID and mount namespace. owner returns the owners of files.
func Enter(wanted *spec.Spec, owner Owner) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	mayMount, err := wanted.Process.MayMount()
	if err != nil {
		return err
	}
	if mayMount {
		if err := requireClosedDisks(); err != nil {
			return err
		}
	}
	etc, err := openEtcFiles()
	if err != nil {
		return err
	}
	files, err := openFiles(wanted.FileEntries())
	if err != nil {
		return err
	}
	opened, err := openUserMounts(wanted)
	if err != nil {
		return err
	}
	if err := detachInitsMounts(); err != nil {
		return err
	}
	if err := changeRoot(); err != nil {
		return err
	}
	if err := mountKernelFileSystems(wanted.Shm()); err != nil {
		return err
	}
	if err := makeDevices(); err != nil {
		return err
	}
	if err := mountUserMounts(sortedMounts(wanted), opened); err != nil {
		return err
	}
	if err := attachEtcFiles(etc, wanted.Root.ReadOnly); err != nil {
		return err
	}
	if err := attachFiles(files, wanted.FileEntries(), owner); err != nil {
		return err
	}
	return protectKernel()
}

// openEtcFiles opens detached mounts of init's files, which are attached after the root has changed.
func openEtcFiles() (map[string]int, error) {
	files := map[string]int{}
	for _, name := range etcFiles {
		fd, err := openDetached(filepath.Join(EtcDirectory, name))
		if err != nil {
			return nil, err
		}
		files[name] = fd
	}
	return files, nil
}

// openUserMounts opens detached mounts of the volumes and of the directories of NFS servers.
func openUserMounts(wanted *spec.Spec) (map[string]int, error) {
	opened, err := openVolumes(wanted.Volumes)
	if err != nil {
		return nil, err
	}
	remote, err := openNFS(wanted.NFS)
	if err != nil {
		return nil, err
	}
	maps.Copy(opened, remote)
	return opened, nil
}

func openDetached(path string) (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", path, err)
	}
	return fd, nil
}

// attachDetached mounts what openDetached has opened. The container sees it from then on.
func attachDetached(fd int, path string) error {
	err := unix.MoveMount(fd, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS)
	if err != nil {
		return fmt.Errorf("mount on %s: %w", path, err)
	}
	return nil
}

// changeRoot moves the container's root to /. It cannot use pivot_root, which does not work on the initial file system.
func changeRoot() error {
	if err := unix.Chdir(Root); err != nil {
		return fmt.Errorf("enter %s: %w", Root, err)
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move %s to /: %w", Root, err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	return unix.Chdir("/")
}

func mountKernelFileSystems(shmSize int64) error {
	const closed = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	for _, entry := range []mountEntry{
		{"proc", "/proc", "proc", closed, ""},
		{"sysfs", "/sys", "sysfs", closed | unix.MS_RDONLY, ""},
		{"cgroup", "/sys/fs/cgroup", "cgroup2", closed | unix.MS_RDONLY, ""},
		{"tmpfs", "/dev", "tmpfs", unix.MS_NOSUID | unix.MS_STRICTATIME, "mode=755,size=64m"},
		{"devpts", "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"},
		{"shm", "/dev/shm", "tmpfs", closed, fmt.Sprintf("mode=1777,size=%d", shmSize)},
		{"mqueue", "/dev/mqueue", "mqueue", closed, ""},
	} {
		if err := entry.mount(); err != nil {
			return err
		}
	}
	return nil
}

func makeDevices() error {
	// The modes must not be masked.
	defer syscall.Umask(syscall.Umask(0))
	for _, device := range devices {
		path := "/dev/" + device.name
		if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(device.major, device.minor))); err != nil {
			return fmt.Errorf("make %s: %w", path, err)
		}
	}
	for _, link := range deviceLinks {
		if err := os.Symlink(link.target, "/dev/"+link.name); err != nil {
			return err
		}
	}
	return nil
}

func mountUserMounts(mounts []userMount, opened map[string]int) error {
	for _, mount := range mounts {
		var err error
		if mount.tmpfs != nil {
			err = mountTmpfs(mount.target, mount.tmpfs)
		} else {
			err = attachVolume(opened[mount.opened], mount.target, mount.readOnly)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func mountTmpfs(target string, wanted *spec.Tmpfs) error {
	options := "mode=1777"
	if wanted.Mode != "" {
		options = "mode=" + wanted.Mode
	}
	if wanted.Size != nil {
		options += fmt.Sprintf(",size=%d", *wanted.Size)
	}
	return mount("tmpfs", target, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, options)
}

func attachEtcFiles(files map[string]int, readOnly bool) error {
	for _, name := range etcFiles {
		path := "/etc/" + name
		if err := ensureFile(path); err != nil {
			return fmt.Errorf("make %s to mount on: %w", path, err)
		}
		if err := attachDetached(files[name], path); err != nil {
			return err
		}
		if !readOnly {
			continue
		}
		if err := remountReadOnly(path); err != nil {
			return err
		}
	}
	return nil
}

// ensureFile creates a file to mount on unless it exists. A dangling symbolic link is replaced.
func ensureFile(path string) error {
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return createPoint(path, true)
}

func protectKernel() error {
	for _, path := range readOnlyPaths {
		err := unix.Mount(path, path, "", unix.MS_BIND|unix.MS_REC, "")
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return fmt.Errorf("bind %s: %w", path, err)
		}
		if err := remountReadOnly(path); err != nil {
			return err
		}
	}
	for _, path := range maskedPaths {
		if err := mask(path); err != nil {
			return fmt.Errorf("mask %s: %w", path, err)
		}
	}
	return nil
}

// remountReadOnly makes a mount read-only and keeps its other flags, which are locked or intended.
func remountReadOnly(path string) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return fmt.Errorf("statfs %s: %w", path, err)
	}
	const kept = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_RELATIME
	flags := uintptr(stat.Flags)&kept | unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY
	if err := unix.Mount("", path, "", flags, ""); err != nil {
		return fmt.Errorf("make %s read-only: %w", path, err)
	}
	return nil
}

func mask(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return unix.Mount("tmpfs", path, "tmpfs", unix.MS_RDONLY, "size=0")
	}
	return unix.Mount("/dev/null", path, "", unix.MS_BIND, "")
}

func (m mountEntry) mount() error { return mount(m.what, m.where, m.kind, m.flags, m.options) }
