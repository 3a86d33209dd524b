// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

// nfsDirectory has a directory for each mount of an NFS server, in init's mount namespace.
const nfsDirectory = "/nfs"

const (
	// nfsPatience is how long a server is waited for, as mount.nfs does.
	nfsPatience = 2 * time.Minute
	nfsPause    = 2 * time.Second
	// nfsFarewell is how long a server has for what was written last, when the container has ended.
	nfsFarewell = 8 * time.Second
)

// NFS mounts directories of NFS servers.
type NFS struct {
	// Lookup returns the addresses of a server.
	Lookup func(ctx context.Context, server string) ([]netip.Addr, error)
	Logf   func(format string, arguments ...any)
	// mount is the system call.
	mount func(source, target, options string, flags uintptr) error
}

// NewNFS returns what mounts with the kernel.
func NewNFS(lookup func(context.Context, string) ([]netip.Addr, error), logf func(string, ...any)) *NFS {
	return &NFS{Lookup: lookup, Logf: logf, mount: func(source, target, options string, flags uintptr) error {
		return unix.Mount(source, target, "nfs4", flags, options)
	}}
}

// Mount mounts all directories in nfsDirectory. The network must be configured.
func (n *NFS) Mount(ctx context.Context, wanted []spec.NFS) error {
	for index, one := range wanted {
		directory := nfsMount(index)
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return err
		}
		if err := n.await(ctx, one, directory); err != nil {
			return failure.New(failure.VolumeMountFailed, "%s of the NFS server %s: %v", one.Path, one.Server, err)
		}
	}
	return nil
}

// await tries until the directory is mounted, time is up, or the server has refused it.
func (n *NFS) await(ctx context.Context, wanted spec.NFS, directory string) error {
	limited, cancel := context.WithTimeout(ctx, nfsPatience)
	defer cancel()
	var last error
	for {
		err := n.try(limited, wanted, directory)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !mayPass(err):
			return err
		case limited.Err() != nil && last != nil:
			// An attempt that was cut short tells less.
			return last
		case limited.Err() != nil:
			return err
		case last == nil:
			n.Logf("%s of the NFS server %s is not mounted yet: %v", wanted.Path, wanted.Server, err)
		}
		last = err
		select {
		case <-limited.Done():
		case <-time.After(nfsPause):
		}
	}
}

// passing are the errors of a server that is starting, as mount.nfs knows them. Any other error of the kernel is final.
var passing = []error{unix.EAGAIN, unix.ECONNREFUSED, unix.ECONNRESET, unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.ENETDOWN,
	unix.ENETUNREACH, unix.ESTALE, unix.ETIMEDOUT}

// mayPass returns whether a later attempt may succeed. A name may be resolved later.
func mayPass(err error) bool {
	var number unix.Errno
	return !errors.As(err, &number) || slices.ContainsFunc(passing, func(one error) bool { return errors.Is(err, one) })
}

// try mounts the directory with each version that may be meant, by each address of the server, until one succeeds.
func (n *NFS) try(ctx context.Context, wanted spec.NFS, directory string) error {
	addresses, err := n.Lookup(ctx, wanted.Server)
	if err != nil {
		return err
	}
	versions := spec.NFSVersions
	if wanted.Version != "" {
		versions = []string{wanted.Version}
	}
	var failed error
	for _, address := range addresses {
		for _, version := range versions {
			if failed = n.call(ctx, wanted, directory, nfsOptions(wanted, address, version)); failed == nil {
				return nil
			}
			if !errors.Is(failed, unix.EPROTONOSUPPORT) {
				break
			}
		}
	}
	return failed
}

// call does not wait for the kernel longer than until the context ends: it retries a server that does not answer for minutes.
func (n *NFS) call(ctx context.Context, wanted spec.NFS, directory, options string) error {
	var flags uintptr = unix.MS_NODEV
	if wanted.ReadOnly {
		flags |= unix.MS_RDONLY
	}
	done := make(chan error, 1)
	go func() { done <- n.mount(nfsSource(wanted), directory, options, flags) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.New("the server does not answer")
	}
}

func nfsSource(wanted spec.NFS) string {
	if strings.Contains(wanted.Server, ":") {
		return fmt.Sprintf("[%s]:%s", wanted.Server, wanted.Path)
	}
	return wanted.Server + ":" + wanted.Path
}

func nfsOptions(wanted spec.NFS, address netip.Addr, version string) string {
	options := []string{"addr=" + address.Unmap().String(), "vers=" + version}
	if wanted.Port != 0 {
		options = append(options, "port="+strconv.Itoa(wanted.Port))
	}
	return strings.Join(append(options, wanted.Options...), ",")
}

func nfsMount(index int) string { return filepath.Join(nfsDirectory, strconv.Itoa(index)) }

// openNFS opens detached mounts of the directories, which are attached after the root has changed.
func openNFS(wanted []spec.NFS) (map[string]int, error) {
	opened := map[string]int{}
	for index := range wanted {
		fd, err := openDetached(nfsMount(index))
		if err != nil {
			return nil, err
		}
		opened[nfsMount(index)] = fd
	}
	return opened, nil
}

// unmountIfMounted unmounts a directory that may be no mount point any more.
func unmountIfMounted(directory string, flags int) error {
	if err := unix.Unmount(directory, flags); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("unmount %s: %w", directory, err)
	}
	return nil
}

// releaseNFS sends what was written to the servers and unmounts the directories, all at the same time.
func releaseNFS() error {
	mounted, err := filepath.Glob(filepath.Join(nfsDirectory, "*"))
	results := make(chan error, len(mounted))
	for _, directory := range mounted {
		go func() { results <- unmountNFS(directory) }()
	}
	failed := []error{err}
	for range mounted {
		failed = append(failed, <-results)
	}
	return errors.Join(failed...)
}

// unmountNFS gives a server that does not answer up after a while.
func unmountNFS(directory string) error {
	done := make(chan error, 1)
	go func() {
		// The last mount of the container may still be on its way out, and only the very last one would do it.
		done <- errors.Join(syncFileSystem(directory), unmountIfMounted(directory, 0))
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(nfsFarewell):
		lost := fmt.Errorf("unmount %s: the server does not answer, and does not get what was written last", directory)
		return errors.Join(lost, unmountIfMounted(directory, unix.MNT_FORCE|unix.MNT_DETACH))
	}
}
