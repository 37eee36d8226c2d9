#!/usr/bin/env bash
# Install what the project needs: Debian packages, then the pinned Python packages into .venv.
# Safe to run twice; the second time it only looks.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(python3-venv debootstrap iproute2 iptables procps rsync openssh-client openssh-server util-linux e2fsprogs postgresql chromium)
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
  apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi

wanted=$(cat requirements.txt requirements-dev.txt | sha256sum | cut -d' ' -f1)
if [ "$(cat .venv/.installed 2>/dev/null)" != "$wanted" ]; then
  echo "setup: installing Python packages into .venv" >&2
  [ -x .venv/bin/python ] || python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --require-hashes -r requirements-dev.txt
  echo "$wanted" >.venv/.installed
fi
