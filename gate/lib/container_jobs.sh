#!/bin/sh
# shellcheck disable=SC2154  # names are shared with the other files of the gate
# Longer work on one container, run detached.

run_start() {
	if [ -f "$state_dir/retained/$ctid" ] && [ ! -f "$etc_vz/conf/$ctid.conf" ]; then
		echo "container $ctid is fenced on this node" >&2
		return 105
	fi
	vzctl start "$ctid"
}

# Asked to give up after SECONDS: vzctl is ended before it would kill the container by itself, unless it
# is given longer than STOP_TIMEOUT or the word "fast".
run_stop() {
	if [ "${2-}" = fast ]; then
		vzctl stop "$ctid" --fast
		return
	fi
	timeout "$1" vzctl stop "$ctid"
}

# Run the arrived copy under another number, without address, device or name, to see that it comes up.
run_rehearse_start() {
	load incoming_ops
	is_incoming "$1" || return
	is_down "$ctid" || return
	room rehearsal
	mark_owner_of "$state_dir/rehearsal/$2"
	if [ "$mark_owner" != "$1" ]; then
		if [ -n "$mark_owner" ] || [ -e "$etc_vz/conf/$2.conf" ]; then
			echo "container $2 exists here" >&2
			return 9
		fi
		printf 'migration=%s\nctid=%s\n' "$1" "$ctid" >"$state_dir/rehearsal/$2"
	fi
	rehearsal_config "$2" || return
	vzctl start "$2"
}

rehearsal_config() {
	container_folder VE_PRIVATE "$ctid"
	private=$value
	vz_folder VE_ROOT /vz/root/\$VEID
	value=${value%%\$VEID*}$1${value#*\$VEID}
	mkdir -p "$value" || return
	{
		grep -Ev '^ *(VE_ROOT|VE_PRIVATE|VEID|ONBOOT|DISABLED|IP_ADDRESS|NETIF|NAME)=' "$etc_vz/conf/$ctid.conf"
		printf 'VE_ROOT="%s"\nVE_PRIVATE="%s"\nONBOOT="no"\n' "$value" "$private"
	} >"$etc_vz/conf/$1.conf.new"
	mv -f "$etc_vz/conf/$1.conf.new" "$etc_vz/conf/$1.conf"
}

run_rehearse_stop() {
	load incoming_ops
	mark_owner_of "$state_dir/rehearsal/$2"
	[ -n "$mark_owner" ] || return 0
	is_rehearsal "$1" "$2" || return
	vzctl stop "$2" || return
	is_down "$2" || return
	drop_rehearsal "$2"
}

# The node's own package manager; vzdump's repository is a setting, because OpenVZ's own has none.
run_install() {
	if [ "$1" = vzdump ] && [ -n "$vzdump_repo" ]; then add_repository "$vzdump_repo" || return; fi
	package=$1
	if command -v yum >/dev/null; then
		yum -y install "$package" || return
		[ "$package" != ntp ] || start_time_client
		return
	fi
	DEBIAN_FRONTEND=noninteractive apt-get -y install "$package"
}

# Debian starts what it installs; Red Hat waits to be told.
start_time_client() {
	service ntpd start || return
	! command -v chkconfig >/dev/null || chkconfig ntpd on
}

add_repository() {
	case $1 in
	*[!A-Za-z0-9:/._~-]*) return 1 ;;
	http://* | https://* | file:/*) ;;
	*) return 1 ;;
	esac
	[ -d /etc/yum.repos.d ] || return 0
	printf '[ovzpanel-vzdump]\nname=vzdump\nbaseurl=%s\nenabled=1\ngpgcheck=1\n' "$1" >/etc/yum.repos.d/ovzpanel-vzdump.repo
}
