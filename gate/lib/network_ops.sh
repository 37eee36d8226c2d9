#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# Freezing an address: new connections towards it are dropped, never refused, so that callers try again
# by themselves. What has begun goes on, and this node itself may still connect.

op_announce() {
	load node_facts
	devices=$(devices_facing "$1")
	if [ -z "$devices" ]; then
		echo "no device of this node lies in the network of $1" >&2
		return 1
	fi
	for device in $devices; do
		within "$op_seconds" arpsend -U -i "$1" -c 1 "$device" || return
	done
	# One a second: nobody waits for the repetitions.
	[ "$2" -gt 1 ] || return 0
	(
		sleep 1
		for device in $devices; do within "$op_seconds" arpsend -U -i "$1" -c $(($2 - 1)) "$device"; done
	) </dev/null >/dev/null 2>&1 8>&- &
}

op_freeze() {
	room frozen
	exec 6>>"$state_dir/frozen.lock"
	flock -w 10 6 || return 1
	for address do
		frozen_owner=
		[ ! -f "$state_dir/frozen/$address" ] || read -r frozen_owner <"$state_dir/frozen/$address"
		if [ -n "$frozen_owner" ] && [ "$frozen_owner" != "$ctid" ]; then
			echo "$address is frozen for container $frozen_owner" >&2
			return 9
		fi
	done
	for address do printf '%s\n' "$ctid" >"$state_dir/frozen/$address"; done
	apply_frozen
}

op_unfreeze() {
	room frozen
	exec 6>>"$state_dir/frozen.lock"
	flock -w 10 6 || return 1
	for address do
		[ -f "$state_dir/frozen/$address" ] || continue
		read -r frozen_owner <"$state_dir/frozen/$address"
		if [ "$frozen_owner" != "$ctid" ]; then
			echo "$address is frozen for container $frozen_owner" >&2
			return 9
		fi
		rm -f "$state_dir/frozen/$address"
	done
	apply_frozen
}

# Write the whole chain anew from the list of frozen addresses: it is right even after somebody flushed it.
apply_frozen() {
	frozen4='' frozen6=''
	set +f
	for file in "$state_dir"/frozen/*; do
		[ -f "$file" ] || continue
		case ${file##*/} in
		*:*) frozen6="$frozen6 ${file##*/}" ;;
		*) frozen4="$frozen4 ${file##*/}" ;;
		esac
	done
	set -f
	apply_family iptables "$frozen4" || return
	# The second family costs time in which a container is frozen: only once it was needed.
	[ -z "$frozen6" ] || : >"$state_dir/frozen6"
	if [ -e "$state_dir/frozen6" ]; then apply_family ip6tables "$frozen6" || return; fi
	set +f
	for folder in /sys/class/net/*/bridge; do
		[ ! -d "$folder" ] || apply_bridged || return
		break
	done
}

apply_family() {
	forward=$("$1" -S FORWARD) || return
	for attempt in 1 2 3 4 5; do
		chain_rules "$2" with_other | "$1-restore" --noflush 8>&- 6>&- && return
		# Somebody else holds the table, or this kernel cannot tell new flows of other protocols.
		[ "$attempt" -lt 5 ] || break
		sleep 0.05
	done
	echo "only new TCP connections are dropped: this kernel tracks no others" >&2
	chain_rules "$2" tcp_only | "$1-restore" --noflush 8>&- 6>&-
}

# A SYN is a new connection whatever was tracked before; asking the tracker about TCP would also drop the
# packets of connections older than the tracker.
chain_rules() {
	echo '*filter'
	echo ':ovz-freeze - [0:0]'
	case $forward in
	*'-A FORWARD -j ovz-freeze'*) ;;
	*) echo '-I FORWARD 1 -j ovz-freeze' ;;
	esac
	for address in $1; do
		echo "-A ovz-freeze -d $address -p tcp --syn -j DROP"
		[ "$2" = tcp_only ] || echo "-A ovz-freeze -d $address ! -p tcp -m conntrack --ctstate NEW -j DROP"
	done
	echo COMMIT
}

# Traffic over a bridge meets the FORWARD chain only where the node says so.
apply_bridged() {
	calls=0
	[ ! -r /proc/sys/net/bridge/bridge-nf-call-iptables ] || read -r calls </proc/sys/net/bridge/bridge-nf-call-iptables
	[ "$calls" != 1 ] || return 0
	if command -v nft >/dev/null; then
		bridge_rules | nft -f - 8>&- 6>&-
		return
	fi
	read_assignment "$etc_vz/conf/$ctid.conf" NETIF
	case $value in
	*bridge=*)
		echo "$ctid is bridged, and this node has neither nft nor net.bridge.bridge-nf-call-iptables=1" >&2
		return 1
		;;
	esac
}

bridge_rules() {
	echo 'table bridge ovz_freeze'
	echo 'delete table bridge ovz_freeze'
	[ -n "$frozen4$frozen6" ] || return 0
	echo 'table bridge ovz_freeze { chain forward { type filter hook forward priority -200;'
	for address in $frozen4; do echo "ip daddr $address tcp flags & (syn | ack) == syn drop"; done
	for address in $frozen6; do echo "ip6 daddr $address tcp flags & (syn | ack) == syn drop"; done
	echo '} }'
}

# How many connections to the address still carry work. Inside the container's network a connection does
# when bytes wait to be read or sent, or when it received something after it last sent something.
op_drained() {
	load container_facts
	find_inside "$ctid"
	if [ -n "$inside" ] && command -v nsenter >/dev/null && command -v ss >/dev/null; then
		within 10 nsenter "--net=$inside/ns/net" ss -Htnia | count_busy
		return
	fi
	if command -v conntrack >/dev/null; then
		within 10 conntrack -L -d "$1" -p tcp --state ESTABLISHED 2>/dev/null | grep -c '^tcp'
		return 0
	fi
	within 10 vzctl exec2 "$ctid" cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == "01" && $5 != "00000000:00000000" { busy++ } END { print busy + 0 }'
}

# Only connections that came in count: those to a port that listens. One that waits to be accepted is work too.
count_busy() {
	awk '
		/^[A-Z]/ { state = $1; waiting = $2 + $3; port = $4; sub(/.*:/, "", port); local = $4 }
		state == "LISTEN" && /^[A-Z]/ { listens[port] = 1; busy[port] += ($2 > 0) ? $2 : 0; next }
		state == "ESTAB" && /^[[:blank:]]/ {
			sent = received = -1
			for (i = 1; i <= NF; i++) {
				if ($i ~ /^lastsnd:/) sent = substr($i, 9) + 0
				if ($i ~ /^lastrcv:/) received = substr($i, 9) + 0
			}
			if (local ~ /^(127\.|\[::1\])/) next
			if (waiting > 0 || (received >= 0 && received < sent)) busy[port]++
		}
		END {
			for (port in listens) open += busy[port]
			print open + 0
		}'
}
