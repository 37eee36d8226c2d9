#!/bin/sh
# shellcheck disable=SC2154  # names are shared with the other files of the gate
# What the node itself can be asked. Every function only reads.

inventory_fields=ctid,hostname,name,description,ostemplate,ip,status,private,root,layout,onboot,disabled,bootorder
inventory_fields=$inventory_fields,physpages,swappages,privvmpages,vmguarpages,oomguarpages,numproc,numtcpsock,diskspace,diskinodes
inventory_fields=$inventory_fields,laverage,uptime,cpulimit,cpuunits,cpus,ioprio,features,vswap,nameserver

# Read a whole small file without starting a program.
show() {
	while IFS= read -r line || [ -n "$line" ]; do printf '%s\n' "$line"; done <"$1"
}

has() {
	command -v "$1" >/dev/null 2>&1
}

fact_kernel() {
	vz_version=
	[ ! -r "$proc_vz/vz/version" ] || read -r vz_version <"$proc_vz/vz/version"
	if [ -d "$proc_vz/vz" ]; then openvz=yes; else openvz=no; fi
	printf 'release=%s\nmachine=%s\n' "$(uname -r)" "$(uname -m)"
	printf 'openvz=%s\nversion=%s\n' "$openvz" "$vz_version"
}

# Print name=version, or name= when the tool is missing. $3 cuts the version out of its first line.
tool_version() {
	if ! has "$1"; then
		printf '%s=\n' "$1"
		return
	fi
	first_line=$(within 5 "$1" "$2" 2>&1 </dev/null | head -n 1)
	version=${first_line#*"$3"}
	[ "$version" != "$first_line" ] || version=present
	printf '%s=%s\n' "$1" "${version%%[ ,]*}"
}

fact_tools() {
	tool_version vzctl --version 'vzctl version '
	tool_version rsync --version 'version '
	tool_version ssh -V 'OpenSSH_'
	tool_version tar --version '(GNU tar) '
	tool_version gzip --version 'gzip '
	for tool in vzmigrate vzlist vzdump vzrestore vzcptcheck arpsend arping conntrack iptables nft zstd yum apt-get; do
		if has "$tool"; then printf '%s=present\n' "$tool"; else printf '%s=\n' "$tool"; fi
	done
	printf 'vzmigrate_options=%s\n' "$(vzmigrate_options)"
}

vzmigrate_options() {
	has vzmigrate || return 0
	help_text=$(within 5 vzmigrate --help 2>&1 </dev/null)
	known=
	for option in live check-only online dry-run ssh-mux keep-dst nodeps; do
		case $help_text in
		*"--$option"*) known=$known,$option ;;
		esac
	done
	printf '%s' "${known#,}"
}

fact_service() {
	if [ -x "$init_script" ]; then
		within "$fact_seconds" "$init_script" status
	else
		within "$fact_seconds" systemctl is-active vz
	fi
}

fact_cpu() {
	processors=0 model='' flags=''
	while IFS= read -r line; do
		case $line in
		processor*:*) processors=$((processors + 1)) ;;
		'model name'*:*) model=${line#*: } ;;
		flags*:*) flags=${line#*: } ;;
		esac
	done </proc/cpuinfo
	read -r load </proc/loadavg
	printf 'processors=%s\nload=%s\nmodel=%s\nflags=' "$processors" "${load% [0-9]*/*}" "$model"
	for flag in cmov fxsr sse sse2 sse4_1 sse4_2 mmx sse4a syscall xsave avx avx2 aes rdrand; do
		case " $flags " in
		*" $flag "*) printf '%s ' "$flag" ;;
		esac
	done
	echo
}

fact_memory() {
	show /proc/meminfo
}

fact_disk() {
	container_folder VE_PRIVATE 101
	room_on_disk private "${value%/*}"
	vz_folder DUMPDIR /vz/dump
	room_on_disk dump "$value"
	room_on_disk work "$state_dir"
}

# Print size, room and inodes of the file system under a folder, and whether it is one of its own.
room_on_disk() {
	printf '%s_path=%s\n' "$1" "$2"
	within "$fact_seconds" df -Pk -- "$2" | {
		read -r _
		read -r _ kib _ free_kib _ mount || return 1
		printf '%s_mount=%s\n%s_kib=%s\n%s_free_kib=%s\n' "$1" "$mount" "$1" "$kib" "$1" "$free_kib"
		if [ "$mount" = / ]; then own=no; else own=yes; fi
		printf '%s_own_filesystem=%s\n' "$1" "$own"
	}
	within "$fact_seconds" df -Pi -- "$2" | {
		read -r _
		read -r _ inodes _ free_inodes _ || return 1
		printf '%s_inodes=%s\n%s_free_inodes=%s\n' "$1" "$inodes" "$1" "$free_inodes"
	}
}

fact_vzconf() {
	show "$etc_vz/vz.conf"
}

fact_clock() {
	within 5 date +%s.%N
}

# A time client counts only when it runs on the node: containers run their own, and the node sees them too.
fact_ntp() {
	client=
	for name in chronyd ntpd systemd-timesyncd openntpd; do
		for pid in $(pgrep -x "$(printf '%.15s' "$name")"); do
			if is_of_this_node "$pid"; then client=$name; fi
		done
	done
	printf 'client=%s\n' "$client"
	has timedatectl || return 0
	within 5 timedatectl show -p NTPSynchronized 2>/dev/null || :
}

is_of_this_node() {
	if [ -e "/proc/$1/ns/pid" ]; then
		[ "/proc/$1/ns/pid" -ef /proc/self/ns/pid ]
		return
	fi
	! grep -q '^envID:[[:blank:]]*[1-9]' "/proc/$1/status"
}

fact_netdev() {
	show /proc/net/dev
}

# Without a default route the first device that has a speed counts as the one to the others.
fact_links() {
	default=
	while read -r device destination _; do
		[ "$destination" != 00000000 ] || default=$device
	done </proc/net/route
	set +f
	for folder in /sys/class/net/*; do
		speed=
		read -r speed 2>/dev/null <"$folder/speed" || speed=
		printf '%s=%s\n' "${folder##*/}" "$speed"
		case $speed in
		'' | -* | 0) ;;
		*) default=${default:-${folder##*/}} ;;
		esac
	done
	printf 'default=%s\n' "$default"
}

fact_macs() {
	set +f
	for folder in /sys/class/net/*; do
		read -r mac <"$folder/address" || mac=
		printf '%s=%s\n' "${folder##*/}" "$mac"
	done
}

fact_bridges() {
	set +f
	for folder in /sys/class/net/*/bridge; do
		[ -d "$folder" ] || continue
		folder=${folder%/bridge}
		printf '%s\n' "${folder##*/}"
	done
}

fact_modules() {
	while read -r name _; do printf '%s\n' "$name"; done </proc/modules
	read_assignment "$etc_vz/vz.conf" IPTABLES_MODULES
	[ -z "$value" ] || printf 'IPTABLES_MODULES=%s\n' "$value"
}

fact_host_key() {
	set +f
	for file in "$etc_ssh"/ssh_host_*_key.pub; do show "$file"; done
}

fact_ploop() {
	within "$fact_seconds" ploop getdev
}

fact_veip() { show "$proc_vz/vz/veip"; }
fact_vestat() { show "$proc_vz/vz/vestat"; }

fact_beancounters() {
	show "$proc_vz/user_beancounters" || return
	[ ! -r "$proc_vz/bc/resources" ] || show "$proc_vz/bc/resources"
}

fact_usage() {
	load usage
	usage_of_all
}

fact_containers() { within "$fact_seconds" vzlist -a -j -o "$inventory_fields"; }
fact_containers_plain() { within "$fact_seconds" vzlist -aHt -o ctid,status; }
fact_names() { within "$fact_seconds" vzlist -aHo ctid,name; }

fact_cpt() {
	for file in cpt rst; do
		if [ -e "$proc_vz/$file" ]; then printf '%s=yes\n' "$file"; else printf '%s=no\n' "$file"; fi
	done
}

fact_cpt_version() { within "$fact_seconds" vzcptcheck version; }
fact_cpt_caps() { within "$fact_seconds" vzcptcheck caps; }
fact_cpt_version_ok() { within "$fact_seconds" vzcptcheck version "$1"; }
fact_cpt_caps_ok() { within "$fact_seconds" vzcptcheck caps "$1" "$2"; }

# Ask who answers for an address on every wire whose subnet holds it; one MAC per line. An ordinary request, not the
# probe of a machine without address: no node answers that one for its containers.
fact_arp_owner() {
	# Nobody answers a node about its own address.
	own=$(own_cards "$1")
	if [ -n "$own" ]; then
		printf '%s\n' "$own"
		return
	fi
	facing=$(wires_facing "$1")
	if [ -z "$facing" ]; then
		echo "no device of this node lies in the network of $1" >&2
		return 1
	fi
	ask_with=ask_by_arp
	case $1 in *:*)
		ask_with=ask_neighbours
		if ! has ping && ! has ping6; then
			echo "this node has no ping, with which it would ask its neighbours for $1" >&2
			return 3
		fi
		;;
	esac
	for device in $facing; do "$ask_with" "$device" "$1"; done | tr A-F a-f | sort -u
}

own_cards() {
	within 5 ip -o addr show to "$1" | awk '{ sub(/@.*/, "", $2); print $2 }' | while read -r device; do
		read -r mac <"/sys/class/net/$device/address" && printf '%s\n' "$mac"
	done
}

# For IPv6 the kernel itself knows which networks it is in: what it would send to a router is in none of them.
wires_facing() {
	case $1 in
	*:*) within 5 ip -o -6 route get "$1" 2>/dev/null | awk '
		!/ via / {
			for (i = 1; i < NF; i++) if ($i == "dev" && $(i + 1) !~ /^(venet|veth|ovzf|lo$)/) print $(i + 1)
		}' | sort -u ;;
	*) devices_facing "$1" ;;
	esac
}

ask_by_arp() {
	within 6 arping -c 2 -w 2 -I "$1" "$2" | sed -n 's/.*[[(]\([0-9A-Fa-f:]\{17\}\)[])].*/\1/p'
}

# Whoever has an address of IPv6 is found by sending there: this kernel asks its neighbours first, and a machine that
# drops what is sent answers that question all the same. What the kernel knew before may be of yesterday.
ask_neighbours() {
	within 5 ip -6 neighbour flush to "$2" dev "$1" >/dev/null 2>&1
	if has ping6; then
		within 6 ping6 -n -q -c 2 -w 2 -I "$1" "$2" >/dev/null 2>&1
	else
		within 6 ping -6 -n -q -c 2 -w 2 -I "$1" "$2" >/dev/null 2>&1
	fi
	within 5 ip -6 neighbour show to "$2" dev "$1" | sed -n 's/.*lladdr \([0-9A-Fa-f:]\{17\}\).*/\1/p'
}

# Devices with an own address in the subnet of $1, those leading into containers left out.
devices_facing() {
	within 5 ip -o -4 addr show scope global | awk -v wanted="$1" '
		function number(text, part) { split(text, part, "."); return ((part[1] * 256 + part[2]) * 256 + part[3]) * 256 + part[4] }
		$2 !~ /^(venet|veth|lo$)/ {
			split($4, net, "/")
			block = 2 ^ (32 - net[2])
			if (int(number(net[1]) / block) == int(number(wanted) / block)) print $2
		}' | sort -u
}
