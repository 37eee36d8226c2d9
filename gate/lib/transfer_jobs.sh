#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# The way by ssh: vzmigrate, and rsync passes straight from area to area.

# sync DEST MIGRATION PASS KIB. While the container is frozen everything here counts: no question that an
# earlier pass has answered is asked again, and all passes ride on one ssh connection.
run_sync() {
	load trust_ops
	is_peer "$1" || return
	work_area "$2" || return
	container_folder VE_PRIVATE "$ctid"
	private=$value
	transfer_words "$2" "$1"
	find_far_area "$1" || return
	case $3 in
	first)
		how=$report
		# It writes a kilobyte at a time, so only where there are holes to keep.
		! has_holes "$private" || how="--sparse $report"
		;;
	warm | final) how=$report ;;
	checksum) how="--checksum $report" ;;
	verify) how="--dry-run --itemize-changes --stats" ;;
	esac
	# shellcheck disable=SC2086  # words the gate itself put together
	rsync -aHAX --numeric-ids --delete $how --bwlimit="$4" -e "ssh $ssh_options" "$private/" "root@$1:$far_private/"
	rc=$?
	# Files that vanish while they are read are expected of a running container only.
	case $3.$rc in
	first.24 | warm.24 | checksum.24) return 0 ;;
	esac
	return $rc
}

# Succeed when a large file of the area takes less room than it is long.
has_holes() {
	find "$1/" -xdev -type f -size +64k -printf '%S\n' | awk '$1 < 0.9 { found = 1; exit } END { exit !found }'
}

# Set $ssh_options and $report, found out once per migration and remembered.
transfer_words() {
	if [ -f "$area/transfer_words" ]; then
		{ read -r ssh_options && read -r report; } <"$area/transfer_words"
		return
	fi
	ssh_words_shared "$@"
	# --info came with rsync 3.1.
	case $(rsync --version) in
	*'version 2.'* | *'version 3.0.'*) report=--stats ;;
	*) report=--info=progress2,stats2 ;;
	esac
	printf '%s\n%s\n' "$ssh_options" "$report" >"$area/transfer_words"
}

# Set $far_private: what the other node's configuration of this container says, asked once per migration.
find_far_area() {
	if [ -f "$area/far_private" ]; then
		read -r far_address far_private <"$area/far_private"
		[ "$far_address" != "$1" ] || return 0
	fi
	# shellcheck disable=SC2086  # words the gate itself put together
	far_private=$(within 30 ssh $ssh_options "root@$1" cat "$etc_vz/conf/$ctid.conf" | sed -n 's/^VE_PRIVATE="\{0,1\}\([^"]*\).*/\1/p' | tail -n 1)
	case $far_private in
	*\$VEID*) far_private=${far_private%%\$VEID*}$ctid${far_private#*\$VEID} ;;
	esac
	if ! is_clean_path "$far_private" || [ "${far_private##*/}" != "$ctid" ]; then
		echo "cannot tell where $1 keeps the private area of container $ctid" >&2
		return 1
	fi
	printf '%s %s\n' "$1" "$far_private" >"$area/far_private"
}

# Send 16 MiB over the migration's own connection, to know what the way between the nodes carries.
run_measure() {
	load trust_ops
	is_peer "$1" || return
	work_area "$2" || return
	transfer_words "$2" "$1"
	# shellcheck disable=SC2086  # words the gate itself put together
	within 30 ssh $ssh_options "root@$1" true || return
	began=$(date +%s%N)
	# shellcheck disable=SC2086  # words the gate itself put together
	head -c 16777216 /dev/urandom | within 120 ssh $ssh_options "root@$1" "cat >/dev/null" || return
	took_ms=$((($(date +%s%N) - began) / 1000000))
	printf 'bytes=16777216\nseconds=%s.%03d\n' $((took_ms / 1000)) $((took_ms % 1000))
}

run_vzmigrate_check() { migrate "$1" "$2" "$3" 0 --check-only; }
run_vzmigrate() { migrate "$1" "$2" "$3" "$4" -v -r no --keep-dst; }

# migrate DEST MIGRATION live|offline KIB OPTIONS...: never -c or -s, and the source is always kept.
migrate() {
	load trust_ops
	is_peer "$1" || return
	work_area "$2" || return
	ssh_words "$2" "$1"
	destination=$1 transport=$3 rate=$4
	shift 4
	set -- "$@" "--ssh=$ssh_options"
	if [ "$transport" = live ]; then set -- "$@" --live; fi
	# Its progress is what tells a long copy from one that hangs.
	rsync_options=--bwlimit=$rate
	case $(rsync --version) in
	*'version 2.'* | *'version 3.0.'*) ;;
	*) rsync_options="$rsync_options --info=progress2" ;;
	esac
	set -- "$@" "--rsync=$rsync_options"
	case $(vzmigrate --help 2>&1 </dev/null) in *--ssh-mux*) set -- "$@" --ssh-mux ;; esac
	vzmigrate "$@" "$destination" "$ctid"
}
