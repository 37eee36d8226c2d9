#!/bin/sh
# Turn fresh namespaces into a node: its root, its /vz, its devices; then become process 1 of it.
# Runs with the host's programs until the new root is in place. Standard output tells the supervisor how far we are.
set -eu
name=$1 lower=$2 disk=$3
root=$disk/root
echo born

mount --make-rprivate /
mkdir -p "$disk/upper" "$disk/work" "$root"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$disk/upper,workdir=$disk/work" "$root"
cd "$root"
mkdir -p .host vz
mount -o loop,noatime "$disk/vz.img" vz
mount -t proc proc proc
mount -t sysfs sys sys
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm dev/net
for device in null zero full random urandom tty net/tun; do
	[ -e "/dev/$device" ] || continue
	touch "dev/$device"
	mount --bind "/dev/$device" "dev/$device"
done
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666,mode=620
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
hostname "$name"
pivot_root . .host
cd /
exec /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
	"OVZ_LAB_RUN=$OVZ_LAB_RUN" "OVZ_LAB_NODE=$name" /usr/bin/python3 -IS /usr/lib/lab/init.py
