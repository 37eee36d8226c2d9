#!/bin/sh
# Install or replace the gate on this node and bind the panel's key to it.
#   install.sh 'ssh-ed25519 AAAA... ovzpanel' [ADDRESS-OF-THE-PANEL [PEER,PEER,...]]
# Run as root from the unpacked folder. Running it again changes nothing but the files' age.
set -eu
umask 022
from=$(dirname "$0")
key=$1
panel=${2-}
peers=${3-}

die() {
	printf 'install: %s\n' "$1" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || die "run this as root"
case $key in
*[!A-Za-z0-9+/=@._\ -]*) die "the key holds a character that no public key has" ;;
'ssh-ed25519 AAAA'* | 'ssh-rsa AAAA'* | 'ecdsa-sha2-nistp256 AAAA'*) ;;
*) die "this is not an OpenSSH public key" ;;
esac
case $panel$peers in
*[!0-9a-fA-F:./,]*) die "addresses hold digits, dots, colons, slashes and commas" ;;
esac
for tool in flock setsid timeout base64 mktemp; do
	command -v "$tool" >/dev/null || die "$tool is missing (coreutils and util-linux have it)"
done

# Older sshd do not know "restrict"; the long list means the same to all of them.
options='no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-pty,no-user-rc,command="/usr/local/sbin/ovzgate"'
if ssh -V 2>&1 | grep -Eq 'OpenSSH_(7\.[2-9]|[89]|[1-9][0-9])'; then
	options='restrict,command="/usr/local/sbin/ovzgate"'
fi
[ -z "$panel" ] || options="from=\"$panel\",$options"

lib=/usr/local/lib/ovzgate
mkdir -p /usr/local/sbin /usr/local/lib /etc/ovzpanel /root/.ssh
chmod 700 /root/.ssh
fresh=$(mktemp -d "$lib.XXXXXX")
cp "$from"/lib/*.sh "$fresh/"
chmod 755 "$fresh"
chmod 644 "$fresh"/*.sh
# A call that has begun keeps reading the old folder for a moment: it is moved aside, not emptied.
rm -rf "$lib.old"
[ ! -d "$lib" ] || mv "$lib" "$lib.old"
mv "$fresh" "$lib"
cp "$from/ovzgate" /usr/local/sbin/.ovzgate.new
chmod 755 /usr/local/sbin/.ovzgate.new
mv -f /usr/local/sbin/.ovzgate.new /usr/local/sbin/ovzgate
[ -e /etc/ovzpanel/gate.conf ] || : >/etc/ovzpanel/gate.conf
if [ -n "$peers" ]; then
	sed -i '/^peers=/d' /etc/ovzpanel/gate.conf
	echo "peers=$peers" | tr ',' ' ' >>/etc/ovzpanel/gate.conf
fi
chmod 700 /etc/ovzpanel
chmod 600 /etc/ovzpanel/gate.conf

keys=/root/.ssh/authorized_keys
touch "$keys"
chmod 600 "$keys"
grep -v 'command="/usr/local/sbin/ovzgate"' "$keys" >"$keys.new" || :
printf '%s %s\n' "$options" "$key" >>"$keys.new"
chmod 600 "$keys.new"
mv -f "$keys.new" "$keys"

echo "the gate is installed; compare this node's host keys with what the panel shows:"
for file in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf "$file"; done
