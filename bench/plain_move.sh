#!/bin/sh
# Move a container as an experienced administrator does it by hand: stop, dump, copy, restore, start.
#   plain_move.sh CTID ADDRESS-OF-THE-OTHER-NODE
set -eu
ctid=$1 target=$2
vzctl stop "$ctid"
vzdump --stop --compress --dumpdir /vz/dump --bwlimit 99999999 --maxfiles 1 "$ctid"
archive=$(find /vz/dump -maxdepth 1 -name "vzdump-openvz-$ctid-*.tgz")
rsync --times "$archive" "root@$target:/vz/dump/"
# shellcheck disable=SC2029  # both are words of this script, meant for the other side
ssh "root@$target" "vzrestore $archive $ctid && vzctl start $ctid"
