#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# A container on its way to this node: reserved, defined, and cleared away again if it does not stay.
# Only what carries this migration's mark is ever removed.

# Set $mark_owner to the migration a mark names; empty without one.
mark_owner_of() {
	mark_owner=
	[ -f "$1" ] || return 0
	read -r mark_owner <"$1"
	mark_owner=${mark_owner#migration=}
}

# Succeed when this container is marked as arriving with migration $1.
is_incoming() {
	mark_owner_of "$state_dir/incoming/$ctid"
	[ "$mark_owner" != "$1" ] || return 0
	echo "container $ctid is not marked as arriving with migration $1" >&2
	return 9
}

# Succeed only when the tool says so: no answer is not "down".
is_down() {
	status_line=$(within 10 vzctl --quiet status "$1") || status_line=unknown
	case $status_line in
	*\ running* | *\ paused*)
		echo "container $1 is running here" >&2
		return 32
		;;
	*\ down* | *\ suspended* | *\ stopped*) return 0 ;;
	esac
	echo "vzctl cannot tell whether container $1 is running here" >&2
	return 32
}

op_reserve() {
	room incoming
	mark_owner_of "$state_dir/incoming/$ctid"
	[ "$mark_owner" != "$1" ] || return 0
	if [ -n "$mark_owner" ]; then
		echo "container $ctid is reserved here by migration $mark_owner" >&2
		return 9
	fi
	make_room || return
	load container_facts
	present=$(fact_ct_scripts "$ctid" | tr '\n' ' ')
	printf 'migration=%s\nat=%s\nscripts=%s\n' "$1" "$(date +%s)" "$present" >"$state_dir/incoming/$ctid.new"
	mv -f "$state_dir/incoming/$ctid.new" "$state_dir/incoming/$ctid"
}

# A copy kept by an earlier migration is set aside; whatever else has the number stays, and this one does not come.
make_room() {
	if [ -e "$etc_vz/conf/$ctid.conf" ]; then
		echo "container $ctid has a configuration here" >&2
		return 9
	fi
	load retention_ops
	set_aside || return
	container_folder VE_PRIVATE "$ctid"
	if [ -e "$value" ] || [ -L "$value" ]; then
		echo "container $ctid has a private area here: $value" >&2
		return 9
	fi
}

op_accept_incoming() {
	mark_owner_of "$state_dir/incoming/$ctid"
	if [ -z "$mark_owner" ]; then
		# Asked a second time because the first answer was lost.
		echo "nothing of container $ctid is marked as arriving here"
		return 0
	fi
	is_incoming "$1" || return
	read_assignment "$etc_vz/conf/$ctid.conf" NAME
	if is_host_name "$value" && [ ! -e "$etc_vz/names/$value" ]; then
		within "$op_seconds" vzctl set "$ctid" --name "$value" --save || return
	fi
	rm -f "$state_dir/incoming/$ctid"
}

op_clear_incoming() {
	mark_owner_of "$state_dir/incoming/$ctid"
	if [ -z "$mark_owner" ]; then
		echo "nothing of container $ctid is marked as arriving here"
		return 0
	fi
	is_incoming "$1" || return
	is_down "$ctid" || return
	case $status_line in *\ mounted*) within "$op_seconds" vzctl umount "$ctid" || return ;; esac
	container_folder VE_PRIVATE "$ctid"
	throw_away "$value" "m$1" || return
	remove_traces "$ctid"
	rm -f "$state_dir/incoming/$ctid"
}

# Succeed when $1 is a real folder, or nothing, and is named by the container's number, or by what a copy of
# it is called that was set aside: anything else is not ours to judge.
is_our_folder() {
	case ${1##*/} in
	"$ctid" | "$ctid.ovz-$2") [ -L "$1" ] || return 0 ;;
	esac
	echo "$1 is not a plain folder named $ctid; see to it by hand" >&2
	return 1
}

# Take a private area out of sight at once, and delete it in the background.
throw_away() {
	is_our_folder "$1" "$2" || return
	trash=$1.ovz-trash-$2
	if [ -d "$1" ]; then mv -T "$1" "$trash.$(date +%s%N)" || return; fi
	set +f
	for folder in "$trash".*; do
		[ -d "$folder" ] || continue
		setsid nohup rm -rf --one-file-system -- "$folder" </dev/null >/dev/null 2>&1 8>&- &
	done
	set -f
}

# Remove configuration, scripts that were not here before, mount point, dump and name of a container.
remove_traces() {
	before=
	[ ! -f "$state_dir/incoming/$1" ] || before=$(sed -n 's/^scripts=//p' "$state_dir/incoming/$1")
	for suffix in premount mount start stop umount postumount; do
		case " $before " in
		*" $suffix "*) ;;
		*) rm -f "$etc_vz/conf/$1.$suffix" ;;
		esac
	done
	vz_folder DUMPDIR /vz/dump
	rm -f "$value/Dump.$1" "$value/tmp-dump.$1"
	forget_number "$1"
	rm -f "$etc_vz/conf/$1.conf"
}

# Remove mount point, name and quota file. The quota file counts what lay in the area, and the next area under
# this number would be taken for that; none is left while quota is on.
forget_number() {
	container_folder VE_ROOT "$1"
	rmdir "$value" 2>/dev/null
	find "$etc_vz/names" -maxdepth 1 -type l -lname "*/conf/$1.conf" -delete 2>/dev/null
	if command -v vzquota >/dev/null; then within 10 vzquota drop "$1" >/dev/null 2>&1; fi
	:
}

op_define() { define_container "$1"; }
run_define() { define_container "$1"; }

# Make a container from the configuration on standard input: empty area, addresses noted but not given,
# never started by itself.
define_container() {
	is_incoming "$1" || return
	is_down "$ctid" || return
	fresh=$etc_vz/conf/$ctid.conf.ovz-new
	head -c 65536 | translate_config "$1" >"$fresh" || {
		rm -f "$fresh"
		return 85
	}
	rm -f "$etc_vz/conf/$ctid.conf"
	container_folder VE_PRIVATE "$ctid"
	private=$value
	container_folder VE_ROOT "$ctid"
	printf 'VE_ROOT="%s"\nVE_PRIVATE="%s"\nONBOOT="no"\n' "$value" "$private" >>"$fresh"
	mkdir -p "$private" "$value" || return 54
	chmod 644 "$fresh"
	mv -f "$fresh" "$etc_vz/conf/$ctid.conf"
}

# vzmigrate sources such files as root: a line that is not NAME="plain text" is not taken over, and
# neither is one that would hand the container a piece of the node, or the shell another PATH.
translate_config() {
	awk -v migration="$1" '
		function refuse(reason) { print "line " NR ": " reason > "/dev/stderr"; failed = 1; exit 1 }
		BEGIN { print "# Made by OVZPanel for migration " migration "." }
		{ sub(/[ \t\r]+$/, ""); sub(/^[ \t]+/, "") }
		/^(#.*)?$/ { next }
		/^(VE_ROOT|VE_PRIVATE|VEID|ONBOOT|DISABLED)=/ { next }
		/[[:cntrl:]`$\\]/ { refuse("holds a character the gate does not take over") }
		!/^[A-Z][A-Z0-9_]*=("[^"]*"|[A-Za-z0-9:.,\/_%-]*)$/ { refuse("is not NAME=\"value\"") }
		/^IP_ADDRESS=/ { print "# " $0; next }
		/^(PATH|ENV|IFS|CDPATH|HOME|SHELL|TMPDIR|PS[0-9]|(LD|LC|BASH|SSH|RSYNC|TAR|VZ)[A-Z0-9_]*)=/ { refuse("sets a variable of the shell") }
		/^(OSTEMPLATE|DISTRIBUTION|ORIGIN_SAMPLE|CONFIGFILE)=/ && /\.\./ { refuse("leads out of the folder of such files") }
		/^(PCI|NETDEV|BINDMOUNT|DISK)=/ && !/=("")?$/ { refuse("gives the container a piece of the node") }
		/^VE_LAYOUT=/ && !/simfs/ { refuse("this layout cannot be copied file by file") }
		/^CAPABILITY=/ && toupper($0) ~ /SYS_(MODULE|RAWIO)[ \t]*:[ \t]*ON/ { refuse("gives a capability that reaches the node") }
		/^(DEVICES|DEVNODES)=/ {
			text = $0; sub(/^[A-Z]*=/, "", text); gsub(/"/, "", text)
			count = split(text, entry, " ")
			for (i = 1; i <= count; i++)
				if (entry[i] !~ /^(net\/tun|fuse|ppp|c:10:200|c:10:229|c:108:0):[rw]+$/) refuse("gives the container a device: " entry[i])
		}
		{ print }
		END { if (failed) exit 1 }'
}

# A rehearsal is a second configuration over the same area: it must be down before it is forgotten.
op_rehearsal_drop() {
	mark_owner_of "$state_dir/rehearsal/$2"
	[ -n "$mark_owner" ] || return 0
	is_rehearsal "$1" "$2" || return
	is_down "$2" || return
	drop_rehearsal "$2"
}

# Succeed when container $2 is the rehearsal of this migration.
is_rehearsal() {
	mark_owner_of "$state_dir/rehearsal/$2"
	[ "$mark_owner" != "$1" ] || return 0
	echo "container $2 is not the rehearsal of migration $1" >&2
	return 9
}

drop_rehearsal() {
	container_folder VE_ROOT "$1"
	rmdir "$value" 2>/dev/null
	rm -f "$etc_vz/conf/$1.conf" "$state_dir/rehearsal/$1"
}
