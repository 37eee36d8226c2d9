#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# Passing an old address on to the node where its container lives now: through a tunnel, which keeps the
# caller's address, or by rewriting the destination, which hides it. Rules are always written anew from the
# records, one file per old address, so they are right even after somebody flushed them.

tunnel_port=14789
tunnel_key=7

# The kinds of tunnel this kernel can make, the smallest header first. Nothing of the attempt stays.
op_tunnel_kinds() {
	hold_forwards || return
	for kind in gre vxlan; do
		make_tunnel ovzf-probe "$kind" 127.91.73.201 127.12.34.57 2>/dev/null && echo "$kind"
		ip link del ovzf-probe 2>/dev/null
	done
	return 0
}

# forward_out M KIND OLD NEW PEER: on the node that the address is routed to. Kind "here": the address came along
# with the container, and is only counted.
op_forward_out() {
	load trust_ops
	is_peer "$5" || return
	hold_forwards || return
	may_forward "$1" "$3" || return
	if [ "$2" != here ] && awk -v old="$3" '$1 == old { found = 1 } END { exit !found }' "$proc_vz/vz/veip" 2>/dev/null; then
		echo "$3 is in use by a container of this node" >&2
		return 32
	fi
	note_forward "$1" out "$2" "$3" "$4" "$5"
	apply_forwards
}

# forward_in M KIND OLD PEER: on the node where the container lives; its answers from the old address go back.
op_forward_in() {
	load trust_ops
	is_peer "$4" || return
	hold_forwards || return
	may_forward "$1" "$3" || return
	note_forward "$1" in "$2" "$3" "$3" "$4"
	apply_forwards
}

# forward_end M OLD
op_forward_end() {
	hold_forwards || return
	[ -f "$state_dir/forwards/$2" ] || return 0
	read_forward "$2"
	if [ "$forward_ctid" != "$ctid" ]; then
		echo "$2 is forwarded for container $forward_ctid" >&2
		return 9
	fi
	rm -f "$state_dir/forwards/$2"
	take_down "$2"
	apply_forwards
}

# What is wished of an old address, whether it is in force, and who still comes.
tell_forward() {
	[ -f "$state_dir/forwards/$1" ] || {
		echo wished=no
		return 0
	}
	read_forward "$1"
	printf 'wished=yes\nctid=%s\nmigration=%s\nside=%s\nkind=%s\n' \
		"$forward_ctid" "$forward_migration" "$forward_side" "$forward_kind"
	if is_in_force "$1"; then echo in_force=yes; else echo in_force=no; fi
	[ "$forward_side" = out ] || return 0
	tables_of "$1"
	"$tables-save" -c -t mangle 2>/dev/null | awk -v old="$1" '
		/-A ovz-forward/ && index($0, " -d " old "/") {
			split(substr($1, 2), counted, ":")
			if (index($0, "ovzf-" old)) new += counted[1]
			else packets += counted[1]
		}
		END { print "new_connections=" new + 0; print "packets=" packets + 0 }'
	[ ! -r "/proc/net/xt_recent/ovzf-$1" ] ||
		sed -n 's/^src=\([0-9a-f.:]*\) .*last_seen: \([0-9]*\) .*/\2 \1/p' "/proc/net/xt_recent/ovzf-$1" |
		sort -rn | awk 'NR <= 50 { print "from=" $2 }' | awk '!seen[$0]++'
}

hold_forwards() {
	room forwards
	exec 6>>"$state_dir/forwards.lock"
	flock -w 10 6
}

# The address must be the container's own here, or be forwarded for it already: nobody else's is taken.
may_forward() {
	if [ -f "$state_dir/forwards/$2" ]; then
		read_forward "$2"
		[ "$forward_ctid" != "$ctid" ] || return 0
		echo "$2 is forwarded for container $forward_ctid" >&2
		return 9
	fi
	for conf in "$etc_vz/conf/$ctid.conf" "$etc_vz/conf/$ctid.conf.ovz-m$1"; do
		read_assignment "$conf" IP_ADDRESS
		case " $value " in *" $2 "* | *" $2/"*) return 0 ;; esac
	done
	echo "$2 is no address of container $ctid here" >&2
	return 9
}

note_forward() {
	printf '%s %s %s %s %s %s\n' "$ctid" "$1" "$2" "$3" "$5" "$6" >"$state_dir/forwards/.$4" &&
		mv "$state_dir/forwards/.$4" "$state_dir/forwards/$4"
}

read_forward() {
	read -r forward_ctid forward_migration forward_side forward_kind forward_new forward_peer \
		<"$state_dir/forwards/$1"
}

# Run $1 with the old address of every record; its fields are in forward_*.
for_each_forward() {
	set +f
	for record in "$state_dir"/forwards/*; do
		[ -f "$record" ] || continue
		set -f
		read_forward "${record##*/}"
		"$1" "${record##*/}" || return
	done
	set -f
}

apply_forwards() {
	for_each_forward put_up && write_chains iptables 4 || return
	# As with the freeze: the second family only once it was needed.
	[ ! -e "$state_dir/forwarded6" ] || write_chains ip6tables 6
}

put_up() {
	case $1 in *:*) : >"$state_dir/forwarded6" ;; esac
	device_to "$forward_peer"
	if is_tunnel; then
		tunnel_to "$forward_peer" "$forward_kind" || return
	fi
	family_of "$1"
	case $forward_side-$forward_kind in
	out-here) ;;
	in-*)
		ip "-$family" route replace default via "$beyond" dev "$device" onlink table "$table" || return
		ip "-$family" rule show | grep -q "from $1 lookup $table" ||
			ip "-$family" rule add from "$1" lookup "$table" || return
		;;
	# A node answers on the wire only for what it would send elsewhere; rewritten packets never follow this route.
	out-nat) ip "-$family" route replace "$1/$bits_all" dev lo && answer_for "$1" ;;
	out-*) ip "-$family" route replace "$1/$bits_all" via "$beyond" dev "$device" onlink && answer_for "$1" ;;
	esac
}

take_down() {
	device_to "$forward_peer"
	family_of "$1"
	if [ "$forward_side" = in ]; then
		while ip "-$family" rule del from "$1" lookup "$table" 2>/dev/null; do :; done
	elif [ "$forward_kind" != here ]; then
		ip "-$family" route del "$1/$bits_all" 2>/dev/null
		for wire in $(wires_of "$1"); do ip "-$family" neighbour del proxy "$1" dev "$wire" 2>/dev/null; done
	fi
	peer_gone=$forward_peer still_used=
	for_each_forward note_use
	[ -n "$still_used" ] || ip link del "$device" 2>/dev/null
	return 0
}

note_use() {
	if [ "$forward_peer" = "$peer_gone" ] && is_tunnel; then still_used=yes; fi
	return 0
}

is_tunnel() { [ "$forward_kind" = gre ] || [ "$forward_kind" = vxlan ]; }

is_in_force() {
	device_to "$forward_peer"
	family_of "$1"
	tables_of "$1"
	case $forward_side-$forward_kind in
	in-*) ip "-$family" rule show | grep -q "from $1 lookup $table" && ip link show "$device" >/dev/null 2>&1 ;;
	out-here) ;;
	out-nat) "$tables" -t nat -S ovz-forward 2>/dev/null | grep -q -- "-d $1/" ;;
	out-*) ip "-$family" route show "$1" | grep -q "dev $device" ;;
	esac || return
	[ "$forward_kind" = here ] || may_pass "$1" || return
	[ "$forward_side" = in ] || "$tables" -t mangle -S ovz-forward 2>/dev/null | grep -q -- "-d $1/"
}

may_pass() {
	"$tables" -S FORWARD 2>/dev/null | grep -q -- '-j ovz-passing$' &&
		"$tables" -S ovz-passing 2>/dev/null | grep -qF -e " $1/" -e " $1 "
}

# Have the neighbours send what is for the address to this node, as they did while the container was here.
answer_for() {
	for wire in $(wires_of "$1"); do
		[ ! -w "/proc/sys/net/ipv$family/neigh/$wire/proxy_delay" ] ||
			echo 0 >"/proc/sys/net/ipv$family/neigh/$wire/proxy_delay"
		[ "$family" = 4 ] || echo 1 >"/proc/sys/net/ipv6/conf/$wire/proxy_ndp"
		ip "-$family" neighbour replace proxy "$1" dev "$wire" || return
	done
}

wires_of() {
	load node_facts
	if [ "$family" = 4 ]; then
		devices_facing "$1"
	else
		ip -o -6 addr show scope global | awk '$2 !~ /^(venet|veth|ovzf|lo$)/ { print $2 }' | sort -u
	fi
}

family_of() {
	# The other end of a tunnel needs no address of its own, only one to be spoken of: RFC 7600's dummy.
	family=4 bits_all=32 beyond=192.0.0.8
	case $1 in *:*) family=6 bits_all=128 beyond=fe80::1 ;; esac
}

tables_of() {
	tables=iptables
	case $1 in *:*) tables=ip6tables ;; esac
}

# One tunnel and one table per peer, whatever the number of addresses: named by the peer's address.
device_to() {
	load trust_ops
	bits_of "$1"
	device=$(printf 'ovzf%08x' "$bits")
	table=$((1000000000 + (bits & 16777215)))
}

tunnel_to() {
	if ip link show "$device" >/dev/null 2>&1; then return 0; fi
	own=$(ip -o route get "$1" | sed -n 's/.* src \([0-9.]*\).*/\1/p')
	make_tunnel "$device" "$2" "$own" "$1" || return
	[ "$2" != vxlan ] || ip link set "$device" address "$(card_of "$own")" || return
	ip link set "$device" up || return
	# Who is at the other end is known, so nobody has to be asked.
	if [ "$2" = vxlan ]; then
		for beyond in 192.0.0.8 fe80::1; do
			ip neighbour replace "$beyond" lladdr "$(card_of "$1")" nud permanent dev "$device" || return
		done
	fi
	# Answers come from addresses that this node would send elsewhere; loose is as far as it may be opened.
	echo 2 >"/proc/sys/net/ipv4/conf/$device/rp_filter"
}

card_of() {
	bits_of "$1"
	printf '02:4f:%02x:%02x:%02x:%02x\n' $((bits >> 24)) $((bits >> 16 & 255)) $((bits >> 8 & 255)) $((bits & 255))
}

make_tunnel() {
	case $2 in
	gre) ip link add "$1" type gre local "$3" remote "$4" key "$tunnel_key" ;;
	vxlan)
		net_between "$3" "$4"
		ip link add "$1" type vxlan id "$net" local "$3" remote "$4" dstport "$tunnel_port" nolearning
		;;
	esac
}

# A node has each number of a VXLAN once, whoever is at the other end: one per pair, and the same seen from both.
net_between() {
	load trust_ops
	bits_of "$1"
	net=$bits
	bits_of "$2"
	net=$(((net + bits) & 16777215))
}

# Chains: who comes (mangle), whereto (nat), who may send through the tunnel's port and what may pass (filter).
write_chains() {
	wanted_family=$2
	{
		chain_head mangle "$1" ovz-forward PREROUTING
		for_each_forward mangle_rules
		# A tunnel's header takes room from every packet: both sides shall know from the start.
		chain_head '' "$1" ovz-clamp FORWARD
		echo "-A ovz-clamp -o ovzf+ -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu"
		echo "-A ovz-clamp -i ovzf+ -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu"
		echo COMMIT
		chain_head nat "$1" ovz-forward PREROUTING
		chain_head '' "$1" ovz-forwarded POSTROUTING
		for_each_forward nat_rules
		echo COMMIT
		chain_head filter "$1" ovz-tunnel INPUT
		for_each_forward tunnel_rules
		[ -z "$(for_each_forward tunnel_rules)" ] || echo "-A ovz-tunnel -p udp --dport $tunnel_port -j DROP"
		echo ":ovz-passing - [0:0]"
		lead_to_passing "$1"
		for_each_forward passing_rules
		echo COMMIT
	} | "$1-restore" -c --noflush 8>&- 6>&-
}

# chain_head TABLE TOOL CHAIN HOOK...: begin a table and a chain of ours, and lead to it from the hooks.
chain_head() {
	[ -z "$1" ] || chain_table=$1
	[ -z "$1" ] || echo "*$1"
	chain=$3
	echo ":$chain - [0:0]"
	chain_tool=$2
	shift 3
	for hook do
		"$chain_tool" -t "$chain_table" -S "$hook" 2>/dev/null | grep -q -- "-j $chain\$" || echo "-I $hook 1 -j $chain"
	done
}

# A node whose firewall lets through what it names would drop what passes on. A freeze still comes first: what it
# holds back must not get through here.
lead_to_passing() {
	"$1" -S FORWARD 2>/dev/null | awk '
		!/^-A FORWARD / { next }
		/-j ovz-passing$/ { stands = others + 1; found++; next }
		{ others++ }
		/-j ovz-freeze$/ { behind = others }
		END {
			if (found == 1 && stands == behind + 1) exit
			while (found-- > 0) print "-D FORWARD -j ovz-passing"
			print "-I FORWARD " behind + 1 " -j ovz-passing"
		}'
}

is_wanted() {
	family_of "$1"
	[ "$family" = "$wanted_family" ] && [ "$forward_side" = out ]
}

# What was counted goes on being counted: the chain is written anew, the numbers are not.
mangle_rules() {
	is_wanted "$1" || return 0
	tables_of "$1"
	# All that comes, of connections that were open before too: who still sends is not to be cut off.
	counted=$("$tables-save" -c -t mangle 2>/dev/null | awk -v old="$1" '
		/-A ovz-forward/ && index($0, " -d " old "/") && !index($0, "ovzf-" old) { print $1; exit }')
	echo "${counted:-[0:0]} -A ovz-forward -d $1"
	for rule in "-p tcp --syn" "! -p tcp -m conntrack --ctstate NEW"; do
		counted=$("$tables-save" -c -t mangle 2>/dev/null | awk -v old="$1" -v tcp="${rule%%tcp*}" '
			/-A ovz-forward/ && index($0, " -d " old "/") && index($0, "ovzf-" old) && (index($0, "! -p tcp") > 0) == (tcp ~ /!/) { print $1; exit }')
		echo "${counted:-[0:0]} -A ovz-forward -d $1 $rule -m recent --name ovzf-$1 --rsource --set"
	done
}

nat_rules() {
	is_wanted "$1" && [ "$forward_kind" = nat ] || return 0
	echo "-A ovz-forward -d $1 -j DNAT --to-destination $forward_new"
	echo "-A ovz-forwarded -d $forward_new -m conntrack --ctorigdst $1 -j MASQUERADE"
}

# Replies are of the same connection or go the other way through the same tunnel, so both are named.
passing_rules() {
	family_of "$1"
	[ "$family" = "$wanted_family" ] || return 0
	case $forward_side-$forward_kind in
	*-here) ;;
	out-nat) echo "-A ovz-passing -m conntrack --ctstate DNAT --ctorigdst $1 -j ACCEPT" ;;
	out-*)
		echo "-A ovz-passing -d $1 -o ovzf+ -j ACCEPT"
		echo "-A ovz-passing -s $1 -i ovzf+ -j ACCEPT"
		;;
	in-*)
		echo "-A ovz-passing -d $1 -i ovzf+ -j ACCEPT"
		echo "-A ovz-passing -s $1 -o ovzf+ -j ACCEPT"
		;;
	esac
}

tunnel_rules() {
	[ "$wanted_family" = 4 ] && [ "$forward_kind" = vxlan ] || return 0
	echo "-A ovz-tunnel -p udp --dport $tunnel_port -s $forward_peer -j RETURN"
}
