#!/usr/bin/env bash
# Install what the project needs: Debian packages, then the pinned Python packages into .venv.
# Safe to run twice; the second time it only looks.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(python3-venv debootstrap iproute2 iptables procps rsync openssh-client openssh-server util-linux e2fsprogs postgresql chromium
  bind9 bind9-dnsutils knot pdns-server pdns-backend-sqlite3)
need=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || need+=("$package")
done
if ((${#need[@]})); then
  if [ "$(id -u)" != 0 ]; then
    echo "setup: not installed: ${need[*]}. Install them, or run 'make setup' as root." >&2
    exit 1
  fi
  echo "setup: installing ${need[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # The packaged cluster would start a server nobody asked for; the tests start their own.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  # The same of sshd: the tests start their own, and nobody asked for a login on this machine.
  [ -e /usr/sbin/sshd ] || { mkdir -p /etc/ssh && touch /etc/ssh/sshd_not_to_be_run; }
  # And of name servers: the tests and the lab start their own. Masked where the package was not there before, so that a
  # server somebody runs here already is left alone.
  for unit in named:/usr/sbin/named knot:/usr/sbin/knotd pdns:/usr/sbin/pdns_server; do
    [ -e "${unit#*:}" ] || { mkdir -p /etc/systemd/system && ln -sf /dev/null "/etc/systemd/system/${unit%%:*}.service"; }
  done
  apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi

wanted=$(cat requirements.txt requirements-dev.txt | sha256sum | cut -d' ' -f1)
if [ "$(cat .venv/.installed 2>/dev/null)" != "$wanted" ]; then
  echo "setup: installing Python packages into .venv" >&2
  [ -x .venv/bin/python ] || python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --require-hashes -r requirements-dev.txt
  echo "$wanted" >.venv/.installed
fi
