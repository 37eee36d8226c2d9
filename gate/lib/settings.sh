#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# What this node's administrator may set in gate.conf, and what OpenVZ's own vz.conf says.
# Both are read line by line, never sourced.

protocol_version=1
out_limit_fact=1048576
out_limit_op=65536
err_limit=16384
fact_seconds=10
op_seconds=25

refuse() {
	printf 'refused: %s\n' "$1" >&2
	exit 64
}

break_down() {
	printf 'ovzgate: %s\n' "$1" >&2
	exit 70
}

load() {
	# shellcheck source=/dev/null
	. "$gate_lib/$1.sh"
}

read_settings() {
	kernel_root=
	state_dir=/var/lib/ovzgate
	etc_vz=/etc/vz
	etc_ssh=/etc/ssh
	init_script=/etc/init.d/vz
	authorized_keys=/root/.ssh/authorized_keys
	search_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	vzdump_repo=
	peers=
	least_retention_seconds=86400
	if [ -r "$1" ]; then
		while IFS="=" read -r setting setting_value; do
			keep_setting "$setting" "$setting_value"
		done <"$1"
	fi
	PATH=$search_path
	export PATH
	proc_vz=$kernel_root/proc
	[ -d "$state_dir" ] || make_state_dir
}

keep_setting() {
	case $1 in
	'' | '#'*) ;;
	kernel_root) kernel_root=$2 ;;
	state_dir) state_dir=$2 ;;
	etc_vz) etc_vz=$2 ;;
	etc_ssh) etc_ssh=$2 ;;
	init_script) init_script=$2 ;;
	authorized_keys) authorized_keys=$2 ;;
	search_path) search_path=$2 ;;
	vzdump_repo) vzdump_repo=$2 ;;
	peers) peers=$2 ;;
	least_retention_seconds) least_retention_seconds=$2 ;;
	*) break_down "gate.conf has an unknown setting" ;;
	esac
}

make_state_dir() {
	mkdir -p "$state_dir" || break_down "cannot make $state_dir"
}

# Ready a folder of the gate's own state.
room() {
	[ -d "$state_dir/$1" ] || mkdir -p "$state_dir/$1" || break_down "cannot make $state_dir/$1"
}

# Set $value to what a NAME="value" file says for one name; empty when it says nothing.
read_assignment() {
	value=
	[ -r "$1" ] || return 0
	while read -r line; do
		case $line in
		"$2="*) value=${line#*=} ;;
		esac
	done <"$1"
	value=${value%%#*}
	value=${value#\"}
	value=${value%%\"*}
	value=${value#\'}
	value=${value%%\'*}
}

# Set $value to a folder from vz.conf, or to OpenVZ's own default.
vz_folder() {
	read_assignment "$etc_vz/vz.conf" "$1"
	[ -n "$value" ] || value=$2
	is_clean_path "$value" || break_down "vz.conf: $1 is not a plain absolute path"
}

is_clean_path() {
	case $1 in
	*[!A-Za-z0-9/._\$-]* | *//* | */../* | */.. | */./* | */. | / | '') return 1 ;;
	/*) return 0 ;;
	*) return 1 ;;
	esac
}

# Set $value to VE_PRIVATE or VE_ROOT of one container, with $VEID filled in.
container_folder() {
	read_assignment "$etc_vz/conf/$2.conf" "$1"
	if [ -z "$value" ]; then
		case $1 in
		VE_PRIVATE) vz_folder VE_PRIVATE /vz/private/\$VEID ;;
		*) vz_folder VE_ROOT /vz/root/\$VEID ;;
		esac
	fi
	case $value in
	*\$VEID*) value=${value%%\$VEID*}$2${value#*\$VEID} ;;
	*\$\{VEID\}*) value=${value%%\$\{VEID\}*}$2${value#*\$\{VEID\}} ;;
	esac
	case $value in
	*\$*) break_down "$1 of container $2 holds a variable the gate does not know" ;;
	esac
	is_clean_path "$value" || break_down "$1 of container $2 is not a plain absolute path"
}
