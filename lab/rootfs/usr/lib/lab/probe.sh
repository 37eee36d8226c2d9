#!/bin/sh
# Dump and restore a process that holds an open TCP connection, in a throw-away copy of the nodes' root.
set -eu
base=$1 scratch=$2
mount --make-rprivate /
mount -t tmpfs tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/root"
cd "$scratch/root"
mount -t proc proc proc
mount -t sysfs sys sys
mount -t cgroup2 none sys/fs/cgroup
mount --rbind /dev dev
mkdir .host images
pivot_root . .host
PATH=/usr/sbin:/usr/bin:/sbin:/bin
umount -l /.host
ip link set lo up
cat >/connected.py <<'PROGRAM'
import socket, time
server = socket.create_server(("127.0.0.1", 7))
near = socket.create_connection(("127.0.0.1", 7))
far, _ = server.accept()
open("/connected", "w").close()
while True:
    time.sleep(0.05)
    near.send(b"x"); far.recv(1)
    open("/beats", "a").write("x")
PROGRAM
setsid python3 -IS /connected.py </dev/null >/dev/null 2>&1 &
victim=$!
while [ ! -e /connected ]; do sleep 0.02; done
criu dump --tree "$victim" --images-dir /images --tcp-established >/dev/null 2>&1
rm -f /beats
criu restore --images-dir /images --tcp-established --restore-detached </dev/null >/dev/null 2>&1
sleep 0.3
[ -s /beats ]
