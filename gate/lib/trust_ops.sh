#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# Trust between two nodes for one migration: a key pair here, one restricted line there, one pinned host key.

# Make a migration's work area and tie it to the container of this call.
work_area() {
	area=$state_dir/m/$1
	room "m/$1"
	if [ ! -f "$area/ctid" ]; then printf '%s\n' "$ctid" >"$area/ctid"; fi
	read -r area_ctid <"$area/ctid"
	if [ "$area_ctid" != "$ctid" ]; then
		echo "migration $1 belongs to another container" >&2
		return 9
	fi
}

# The same, without making one: fails when the area is another container's.
own_area() {
	area=$state_dir/m/$1
	[ ! -f "$area/ctid" ] || work_area "$1"
}

# Succeed when $1 is one of the peers, each of which is an address or an IPv4 network, or none are set.
is_peer() {
	[ -n "$peers" ] || return 0
	for peer in $peers; do
		if is_within "$1" "${peer%/*}" "${peer#*/}"; then return 0; fi
	done
	echo "$1 is not among the peers in this node's gate.conf" >&2
	return 1
}

# Is $1 the address $2, or in the network that begins there and shares its first $3 bits?
is_within() {
	[ "$1" != "$2" ] || return 0
	is_ipv4 "$1" && is_ipv4 "$2" && is_number "$3" 2 && [ "$3" -le 32 ] || return 1
	bits_of "$1"
	mine=$bits
	bits_of "$2"
	[ $((mine >> (32 - $3))) -eq $((bits >> (32 - $3))) ]
}

bits_of() {
	bits=0 ip_rest=$1.
	while [ -n "$ip_rest" ]; do
		bits=$((bits * 256 + ${ip_rest%%.*}))
		ip_rest=${ip_rest#*.}
	done
}

# Set $ssh_options for reaching a peer with a migration's key. No word holds a blank, and none holds "-p":
# vzmigrate hands them on unquoted, and turns the first "-p" into "-P" for scp.
ssh_words() {
	area=$state_dir/m/$1
	ssh_options="-F /dev/null -i $area/key -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes"
	ssh_options="$ssh_options -o UserKnownHostsFile=$area/known_hosts -o GlobalKnownHostsFile=/dev/null -o LogLevel=ERROR"
	ssh_options="$ssh_options -o ConnectTimeout=10 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 -o Compression=no"
}

# Add what lets every later call of the migration ride on one connection.
ssh_words_shared() {
	ssh_words "$@"
	if grep -q '^flags.* aes ' /proc/cpuinfo && ssh -Q cipher 2>/dev/null | grep -q '^aes128-gcm@openssh.com$'; then
		ssh_options="$ssh_options -c aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,chacha20-poly1305@openssh.com"
	fi
	# ControlPersist came with OpenSSH 5.6.
	case $(ssh -V 2>&1) in
	OpenSSH_[1-4].* | OpenSSH_5.[0-5]*) return 0 ;;
	esac
	ssh_options="$ssh_options -o ControlMaster=auto -o ControlPersist=900 -o ControlPath=$area/mux"
}

op_trust_make() {
	work_area "$1" || return
	if [ ! -f "$area/key.pub" ]; then
		rm -f "$area/key"
		make_key ed25519 || make_key rsa || return
	fi
	cat "$area/key.pub"
}

make_key() {
	ssh-keygen -q -t "$1" -N '' -C "ovzpanel-m${area##*/}" -f "$area/key" </dev/null
}

# Rewrite a file as what the function given prints for it, by rename, one call at a time.
rewrite() {
	target=$(readlink -f "$1") || target=$1
	shift
	exec 6>>"$state_dir/rewrite.lock"
	flock -w 10 6 || return 1
	[ -e "$target" ] || : >"$target"
	"$@" <"$target" >"$target.ovznew" || return 1
	chmod 600 "$target.ovznew"
	mv -f "$target.ovznew" "$target"
}

without_marked() {
	awk -v mark=" ovzpanel-m$1" 'substr($0, length($0) - length(mark) + 1) != mark'
}

with_accepted() {
	without_marked "$1"
	printf 'from="%s",no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-pty,no-user-rc %s %s ovzpanel-m%s\n' \
		"$2" "$3" "$4" "$1"
}

with_pinned() {
	awk -v address="$1" -v type="$2" '$1 != address || $2 != type'
	printf '%s %s %s\n' "$1" "$2" "$3"
}

op_trust_accept() {
	is_peer "$2" || return
	work_area "$1" || return
	if grep -qF " $4" "$authorized_keys" 2>/dev/null && ! grep -q " $3 $4 ovzpanel-m$1\$" "$authorized_keys"; then
		echo "this key is already authorised for something else" >&2
		return 9
	fi
	mkdir -p "${authorized_keys%/*}"
	rewrite "$authorized_keys" with_accepted "$@"
}

op_trust_pin() {
	is_peer "$2" || return
	work_area "$1" || return
	rewrite "$area/known_hosts" with_pinned "$2" "$3" "$4"
}

op_trust_drop() {
	own_area "$1" || return
	if [ -S "$area/mux" ]; then within 5 ssh -F /dev/null -o ControlPath="$area/mux" -O exit closing 2>/dev/null; fi
	rm -f "$area/key" "$area/key.pub" "$area/known_hosts" "$area/mux" || return
	if [ -f "$authorized_keys" ]; then rewrite "$authorized_keys" without_marked "$1"; fi
}

# The migration is over: remove what it left here of this container, but never the container's own data.
op_forget_work() {
	own_area "$1" || return
	forget_jobs "$1" || return
	# Without a work area of this container nothing else here is known to be its own.
	[ -f "$area/ctid" ] || return 0
	op_trust_drop "$1" || return
	vz_folder DUMPDIR /vz/dump
	rm -rf --one-file-system -- "$value/ovzpanel-m$1" || return
	rm -rf --one-file-system -- "$area"
}

forget_jobs() {
	load jobs
	set +f
	for dir in "$state_dir/jobs/m$1"-*; do
		[ -f "$dir/about" ] || continue
		read -r about_ctid _ <"$dir/about"
		[ "$about_ctid" = "$ctid" ] || continue
		see_state 0
		if [ "$state" = running ]; then
			echo "job ${dir##*/} is running" >&2
			return 9
		fi
		rm -rf "$dir"
	done
	set -f
}
