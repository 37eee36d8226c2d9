#!/bin/sh
# Process 1 of a container before it is one: enter its control group and root, then become its init.
# Run inside new mount, process, host name and IPC namespaces and the container's network.
set -e
root=$1 name=$2 group=$3
echo 0 >"$group/cgroup.procs"
hostname "$name"
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
# Where the private area has no system of its own it gets the node's, read-only.
[ -n "$(ls -A "$root/usr")" ] || mount --bind -o ro /usr "$root/usr"
cd "$root"
# Stack the old root under the new one, then take it away: no directory is needed for it.
pivot_root . .
umount -l .
exec /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=openvz \
	/usr/bin/setsid /sbin/init </dev/null >/dev/null 2>&1
