#!/bin/sh
# shellcheck disable=SC2154  # names are shared with the other files of the gate
# What can be asked about one container, and about one migration's traces. Every function only reads.

load node_facts

fact_ct_status() { within "$fact_seconds" vzctl --quiet status "$1"; }
fact_ct_config() { show "$etc_vz/conf/$1.conf"; }

# Which of the config's names exist: conf, conf.migrated, conf.destroyed, conf.ovz-m42.
fact_ct_config_migrated() {
	set +f
	for file in "$etc_vz/conf/$1.conf" "$etc_vz/conf/$1".conf.*; do
		[ ! -e "$file" ] || printf '%s\n' "${file##*/"$1".}"
	done
}

fact_ct_scripts() {
	for suffix in premount mount start stop umount postumount; do
		[ ! -e "$etc_vz/conf/$1.$suffix" ] || printf '%s\n' "$suffix"
	done
}

# Line 1: none, alive, dead or unreadable. The rest: the lock file as it is.
fact_ct_lock() {
	lock_file_of "$1"
	if [ ! -e "$value" ]; then
		echo none
		return
	fi
	lock_pid=
	read -r lock_pid <"$value"
	case $lock_pid in
	'' | *[!0-9]*) echo unreadable ;;
	*) if [ -d "/proc/$lock_pid" ]; then echo alive; else echo dead; fi ;;
	esac
	head -c 1024 "$value"
}

lock_file_of() {
	vz_folder LOCKDIR /vz/lock
	value=$value/$1.lck
}

# One "KIND PATH" line for everything on this node that bears the container's number.
fact_ct_leftovers() {
	set +f
	for file in "$etc_vz/conf/$1.conf" "$etc_vz/conf/$1".conf.*; do leftover "${file##*/"$1".}" "$file"; done
	set -f
	container_folder VE_PRIVATE "$1"
	leftover private "$value"
	container_folder VE_ROOT "$1"
	leftover root "$value"
	vz_folder DUMPDIR /vz/dump
	leftover dump "$value/Dump.$1"
	leftover live_dump "$value/tmp-dump.$1"
	lock_file_of "$1"
	leftover lock "$value"
	leftover incoming "$state_dir/incoming/$1"
	leftover retained "$state_dir/retained/$1"
}

leftover() {
	if [ -e "$2" ] || [ -L "$2" ]; then printf '%s %s\n' "$1" "$2"; fi
}

# One walk counts both; a file with several names is counted once. Where the walk takes too long the quota
# knows, if it is on.
fact_ct_size() {
	container_folder VE_PRIVATE "$1"
	[ -d "$value" ] || return 2
	walked=$(within 8 find "$value/" -xdev -printf '%n %i %k\n' && echo whole) || walked=
	case $walked in
	*whole) printf '%s\n' "${walked%whole}" | awk '
		NF < 3 || ($1 > 1 && seen[$2]++) { next }
		{ kib += $3; files++ }
		END { printf "kib=%d\nfiles=%d\n", kib, files }' ;;
	*) within "$fact_seconds" vzlist -aH -o diskspace,diskinodes "$1" | awk '
		$1 > 0 { printf "kib=%d\nfiles=%d\n", $1, $2; known = 1 }
		END { exit !known }' ;;
	esac
}

# What changed in the last minute: the whole size of every file that was written to.
fact_ct_churn() {
	container_folder VE_PRIVATE "$1"
	[ -d "$value" ] || return 2
	within "$fact_seconds" find "$value/" -xdev -type f -mmin -1 -printf '%s\n' | awk '
		{ bytes += $1; files++ }
		END { printf "bytes=%.0f\nfiles=%d\nwindow_seconds=60\n", bytes, files }'
}

# Set $inside to a process of the container, or to nothing: one whose root is the container's, in a network
# of its own. Looking at it from here needs no program inside, which would block a checkpoint.
find_inside() {
	inside=
	container_folder VE_ROOT "$1"
	set +f
	for folder in /proc/[0-9]*; do
		[ "$folder/root" -ef "$value" ] || continue
		[ -e "$folder/ns/net" ] || continue
		[ "$folder/ns/net" -ef /proc/self/ns/net ] || inside=$folder
		[ -z "$inside" ] || break
	done
	set -f
}

# The program that answers is the container's own: cut here what it says, before it fills the node's disk.
from_inside() {
	{
		within "$fact_seconds" vzctl exec2 "$@" 2>/dev/null
		echo $? >"$scratch.rc"
	} | head -c "$out_limit_fact"
	read -r inside_rc <"$scratch.rc"
	return "$inside_rc"
}

fact_ct_mounts() {
	find_inside "$1"
	if [ -n "$inside" ]; then show "$inside/mounts"; else from_inside "$1" cat /proc/mounts; fi
}

fact_ct_listen() {
	find_inside "$1"
	if [ -n "$inside" ]; then
		cat "$inside/net/tcp"
		[ ! -r "$inside/net/tcp6" ] || cat "$inside/net/tcp6"
	else
		from_inside "$1" cat /proc/net/tcp /proc/net/tcp6
	fi
}

fact_ct_resources() { show "$proc_vz/bc/$1/resources"; }

# Other tools at work on exactly this container: "PID NAME". Guests may name their processes as they
# like, so only the node's own count.
fact_ct_jobs() {
	pgrep -f '(vzmigrate|vzdump|vzrestore|vzctl)' | while read -r pid; do
		is_of_this_node "$pid" || continue
		tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | awk -v pid="$pid" -v ctid="$1" '{
			name = ""; hit = 0
			for (i = 1; i <= NF; i++) {
				if (i <= 3 && name == "" && $i ~ /(^|\/)(vzmigrate|vzdump|vzrestore|vzctl)$/) { name = $i; sub(/.*\//, "", name) }
				if ($i == ctid) hit = 1
			}
			if (name != "" && hit) print pid, name
		}'
	done
}

fact_fence_state() {
	load fence
	newest_token "$1"
	printf 'token=%s\n' "$newest"
	[ ! -f "$state_dir/incoming/$1" ] || sed 's/^/incoming_/' "$state_dir/incoming/$1"
	[ ! -f "$state_dir/retained/$1" ] || sed 's/^/retained_/' "$state_dir/retained/$1"
}

fact_ssh_to() {
	load trust_ops
	ssh_words "$2" "$1"
	# shellcheck disable=SC2086  # words the gate itself put together
	within "$fact_seconds" ssh $ssh_options "root@$1" true
}

# Of a file in the migration's work area or archive folder; push_archive leaves the sum of an archive beside it.
fact_digest() {
	vz_folder DUMPDIR /vz/dump
	for digest_file in "$state_dir/m/$1/$2" "$value/ovzpanel-m$1/$2"; do
		[ -f "$digest_file" ] || continue
		[ ! -L "$digest_file" ] || continue
		if [ "$digest_file.sha256" -nt "$digest_file" ]; then
			cut -c 1-64 "$digest_file.sha256"
		else
			within "$fact_seconds" sha256sum "$digest_file" | cut -c 1-64
		fi
		return
	done
	return 2
}

# Everything this node still holds for one migration.
fact_work() {
	if [ -d "$state_dir/m/$1" ]; then find "$state_dir/m/$1" -mindepth 1 -printf 'file %P %s\n'; fi
	vz_folder DUMPDIR /vz/dump
	if [ -d "$value/ovzpanel-m$1" ]; then find "$value/ovzpanel-m$1" -mindepth 1 -printf 'archive %P %s\n'; fi
	[ ! -f "$authorized_keys" ] || grep -c " ovzpanel-m$1\$" "$authorized_keys" | sed 's/^/authorized_lines /'
	set +f
	for folder in "$state_dir/jobs/m$1"-*; do [ ! -d "$folder" ] || printf 'job %s\n' "${folder##*/}"; done
	for file in "$state_dir"/incoming/* "$state_dir"/retained/*; do
		[ -f "$file" ] || continue
		read -r owner <"$file"
		[ "$owner" != "migration=$1" ] || printf 'mark %s\n' "${file#"$state_dir/"}"
	done
}

fact_ct_mentions() {
	load guest_ops
	tell_mentions "$1" "$2"
}

fact_forward_state() {
	load forward_ops
	tell_forward "$1"
}
