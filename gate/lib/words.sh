#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# What a word of a request may be, and which words each fact and operation takes.

check_request() {
	[ ${#1} -le 4096 ] || refuse "longer than 4096 bytes"
	case $1 in
	'') refuse "empty request" ;;
	*[!A-Za-z0-9@%+=:,./_\ -]*) refuse "a character outside the allowed set" ;;
	' '* | *' ' | *'  '*) refuse "words are separated by single spaces" ;;
	-* | *' -'*) refuse "a word may not begin with a dash" ;;
	esac
	words_left=$1
	words_seen=1
	while [ "${words_left#* }" != "$words_left" ]; do
		words_left=${words_left#* }
		words_seen=$((words_seen + 1))
	done
	[ "$words_seen" -le 40 ] || refuse "more than 40 words"
}

# Decimal without a leading zero, at most $2 digits.
is_number() {
	case $1 in
	'' | *[!0-9]* | 0?*) return 1 ;;
	esac
	[ ${#1} -le "$2" ]
}

hex4='[0-9a-f][0-9a-f][0-9a-f][0-9a-f]'
uuid_pattern="$hex4$hex4-$hex4-$hex4-$hex4-$hex4$hex4$hex4"

is_ctid() {
	# shellcheck disable=SC2254  # a pattern on purpose
	case $1 in $uuid_pattern) return 0 ;; esac
	is_number "$1" 10 || return 1
	[ "$1" -ge 101 ] && [ "$1" -le 2147483644 ]
}

is_ipv4() {
	case $1 in
	*[!0-9.]* | *.*.*.*.* | .* | *. | *..*) return 1 ;;
	*.*.*.*) ;;
	*) return 1 ;;
	esac
	ip_rest=$1.
	while [ -n "$ip_rest" ]; do
		is_number "${ip_rest%%.*}" 3 && [ "${ip_rest%%.*}" -le 255 ] || return 1
		ip_rest=${ip_rest#*.}
	done
	case $1 in
	0.* | 127.* | 22[4-9].* | 2[3-5][0-9].*) return 1 ;;
	esac
}

is_ipv6() {
	case $1 in
	*[!0-9a-f:]* | *:::* | *::*::* | ::* | ff* | fe80:* | fe80 | '') return 1 ;;
	*:*) ;;
	*) return 1 ;;
	esac
	ip_rest=$1:
	ip_groups=0
	while [ -n "$ip_rest" ]; do
		ip_group=${ip_rest%%:*}
		[ ${#ip_group} -le 4 ] || return 1
		ip_rest=${ip_rest#*:}
		ip_groups=$((ip_groups + 1))
	done
	case $1 in
	*::) [ "$ip_groups" -le 9 ] ;;
	*::*) [ "$ip_groups" -le 8 ] ;;
	*:) return 1 ;;
	*) [ "$ip_groups" -eq 8 ] ;;
	esac
}

is_host_name() {
	[ ${#1} -le 253 ] || return 1
	case $1 in
	'' | *[!A-Za-z0-9.-]* | .* | *. | *..* | -* | *.-* | *-.* | *-) return 1 ;;
	esac
}

is_job_key() {
	[ ${#1} -le 80 ] || return 1
	case $1 in
	[mn]*-*-a*) ;;
	*) return 1 ;;
	esac
	key_rest=${1#[mn]}
	is_number "${key_rest%%-*}" 18 || return 1
	key_rest=${key_rest#*-}
	is_number "${key_rest##*-a}" 9 || return 1
	key_rest=${key_rest%-a*}
	case $key_rest in
	'' | *[!a-z_]*) return 1 ;;
	esac
}

# "5", "0.5" or "2.25", never above 5.
is_wait() {
	case $1 in
	*.*) is_number "${1%%.*}" 1 || return 1 ;;
	*)
		is_number "$1" 1 && [ "$1" -le 5 ]
		return
		;;
	esac
	case ${1#*.} in
	'' | *[!0-9]* | ????*) return 1 ;;
	esac
	[ "${1%%.*}" -lt 5 ]
}

is_file_name() {
	[ ${#1} -le 128 ] || return 1
	case $1 in
	'' | [!A-Za-z0-9]* | *[!A-Za-z0-9._-]* | *..*) return 1 ;;
	esac
}

# One key and no options: only the base64 of an OpenSSH public key.
is_key_base64() {
	[ ${#1} -ge 40 ] || return 1
	[ ${#1} -le 1400 ] || return 1
	key_body=${1%=}
	case ${key_body%=} in
	*[!A-Za-z0-9+/]*) return 1 ;;
	AAAA*) return 0 ;;
	*) return 1 ;;
	esac
}

# A line of text: at most 900 bytes of base64, and something.
is_text_base64() {
	[ ${#1} -le 1200 ] || return 1
	text_body=${1%=}
	case ${text_body%=} in
	'' | *[!A-Za-z0-9+/]*) return 1 ;;
	esac
}

check_word() {
	case $1 in
	ctid) is_ctid "$2" ;;
	ctid_or_node) [ "$2" = 0 ] || is_ctid "$2" ;;
	token) is_number "$2" 19 ;;
	migration) is_number "$2" 18 ;;
	number) is_number "$2" 18 ;;
	count) is_number "$2" 2 && [ "$2" -ge 1 ] && [ "$2" -le 10 ] ;;
	seconds) is_number "$2" 4 && [ "$2" -ge 1 ] && [ "$2" -le 3600 ] ;;
	kib) is_number "$2" 8 ;;
	epoch) is_number "$2" 11 ;;
	address) is_ipv4 "$2" || is_ipv6 "$2" ;;
	address_or_wish)
		case $2 in
		onboot=yes | onboot=no) ;;
		hostname=*) is_host_name "${2#hostname=}" ;;
		*) check_word address "$2" ;;
		esac
		;;
	key_type) case $2 in ssh-ed25519 | ssh-rsa | ecdsa-sha2-nistp256) ;; *) return 1 ;; esac ;;
	key_base64) is_key_base64 "$2" ;;
	file) is_file_name "$2" ;;
	yes_no) [ "$2" = yes ] || [ "$2" = no ] ;;
	transport) [ "$2" = live ] || [ "$2" = offline ] ;;
	dump_mode) [ "$2" = suspend ] || [ "$2" = stop ] ;;
	pass) case $2 in first | warm | checksum | final | verify) ;; *) return 1 ;; esac ;;
	package) case $2 in rsync | vzdump | ntp) ;; *) return 1 ;; esac ;;
	fast) [ "$2" = fast ] ;;
	full) [ "$2" = full ] ;;
	tunnel) [ "$2" = gre ] || [ "$2" = vxlan ] ;;
	forward) [ "$2" = nat ] || [ "$2" = here ] || check_word tunnel "$2" ;;
	peer) is_ipv4 "$2" ;;
	line) is_number "$2" 6 && [ "$2" -ge 1 ] ;;
	text64) is_text_base64 "$2" ;;
	*) break_down "no such kind of word: $1" ;;
	esac
}

# A signature is a list of kinds; "kind?" may be missing, "kind+" is one or more, both only at the end.
check_signature() {
	for kind in $signature; do
		case $kind in
		*'?')
			[ $# -eq 0 ] && return 0
			check_word "${kind%?}" "$1" || refuse "bad ${kind%?}"
			shift
			;;
		*+)
			[ $# -ge 1 ] || refuse "missing ${kind%?}"
			for word do check_word "${kind%?}" "$word" || refuse "bad ${kind%?}"; done
			return 0
			;;
		*)
			[ $# -ge 1 ] || refuse "missing $kind"
			check_word "$kind" "$1" || refuse "bad $kind"
			shift
			;;
		esac
	done
	[ $# -eq 0 ] || refuse "too many words"
}

# Set $signature to the kinds of words a fact takes; fail on an unknown fact.
signature_of_fact() {
	case $1 in
	kernel | tools | service | cpu | memory | disk | vzconf | clock | ntp | netdev | links | veip | containers) signature= ;;
	containers_plain | names | cpt | cpt_version | cpt_caps | macs | bridges | modules | host_key | ploop) signature= ;;
	beancounters | vestat | usage) signature= ;;
	ct_status | ct_config | ct_config_migrated | ct_scripts | ct_lock | ct_leftovers | ct_size | ct_churn) signature=ctid ;;
	ct_mounts | ct_listen | ct_resources | ct_jobs | fence_state) signature=ctid ;;
	cpt_version_ok) signature=number ;;
	cpt_caps_ok) signature="ctid number" ;;
	ssh_to) signature="address migration" ;;
	ct_mentions) signature="ctid address" ;;
	arp_owner | forward_state) signature=address ;;
	digest) signature="migration file" ;;
	work) signature=migration ;;
	*) return 1 ;;
	esac
}

# Set $signature to the kinds of words an operation takes, and $op_room to the file that holds it.
signature_of_op() {
	case $1 in
	strip | clear_stale_lock | thaw) signature='' op_room=container_ops ;;
	address) signature="address_or_wish+" op_room=container_ops ;;
	drop_address) signature=address+ op_room=container_ops ;;
	set_onboot) signature=yes_no op_room=container_ops ;;
	announce) signature="address count" op_room=network_ops ;;
	freeze | unfreeze) signature=address+ op_room=network_ops ;;
	drained) signature=address op_room=network_ops ;;
	edit_line) signature="migration text64 line text64 text64" op_room=guest_ops ;;
	tunnel_kinds) signature='' op_room=forward_ops ;;
	forward_out) signature="migration forward address address peer" op_room=forward_ops ;;
	forward_in) signature="migration tunnel address peer" op_room=forward_ops ;;
	forward_end) signature="migration address" op_room=forward_ops ;;
	trust_make | trust_drop | forget_work) signature=migration op_room=trust_ops ;;
	trust_accept | trust_pin) signature="migration address key_type key_base64" op_room=trust_ops ;;
	reserve | clear_incoming | accept_incoming | define) signature=migration op_room=incoming_ops ;;
	rehearsal_drop) signature="migration ctid" op_room=incoming_ops ;;
	fence | retire) signature="migration epoch" op_room=retention_ops ;;
	unfence) signature=migration op_room=retention_ops ;;
	*) return 1 ;;
	esac
}

# The same for what may run as a job.
signature_of_job() {
	case $1 in
	start) signature='' op_room=container_jobs ;;
	stop) signature="seconds fast?" op_room=container_jobs ;;
	rehearse_start | rehearse_stop) signature="migration ctid" op_room=container_jobs ;;
	install) signature=package op_room=container_jobs ;;
	backup) signature="migration full?" op_room=archive_jobs ;;
	vzdump) signature="migration dump_mode kib" op_room=archive_jobs ;;
	push_archive) signature="address migration kib" op_room=archive_jobs ;;
	restore) signature=migration op_room=archive_jobs ;;
	define) signature=migration op_room=incoming_ops ;;
	measure) signature="address migration" op_room=transfer_jobs ;;
	sync) signature="address migration pass kib" op_room=transfer_jobs ;;
	vzmigrate_check) signature="address migration transport" op_room=transfer_jobs ;;
	vzmigrate) signature="address migration transport kib" op_room=transfer_jobs ;;
	*) return 1 ;;
	esac
}
