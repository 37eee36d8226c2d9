"""One kept SSH connection to one node, over which many calls go."""

from __future__ import annotations

import base64
import binascii
import contextlib
import ipaddress
import logging
import socket
import time

import fabric
from paramiko import (
    AuthenticationException,
    BadHostKeyException,
    Channel,
    Ed25519Key,
    MissingHostKeyPolicy,
    PKey,
    SSHClient,
    SSHException,
)
from paramiko.pkey import UnknownKeyType

from migrations_app.ports.shell import GATE_USER, Endpoint, HostKeyChanged, LoginRefused, NodeUnreachable
from migrations_app.vz.names import BadValue, checked_address

CONNECT_SECONDS = 5
SESSION_SECONDS = 3
KEEPALIVE_SECONDS = 10
# Bytes unanswered for so long mean that the other side is gone, although nobody said so.
UNANSWERED_MILLISECONDS = 20_000

# What OpenSSH itself no longer offers; the rest of paramiko's list is sound.
WEAK_ALGORITHMS = {
    "ciphers": ["3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc"],
    "macs": ["hmac-md5", "hmac-md5-96", "hmac-sha1-96"],
}

# What goes wrong is raised; the library would print it a second time, with a trace.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class SshLine:
    def __init__(self, endpoint: Endpoint, key: Ed25519Key) -> None:
        self.endpoint = endpoint
        self.connection = _open(endpoint, key)

    def session(self) -> Channel:
        """Return a new session; nothing has been said on it yet.

        :raises NodeUnreachable: the connection turned out to be dead.
        """
        try:
            session: Channel = self.connection.transport.open_session(timeout=SESSION_SECONDS)
        except (SSHException, EOFError, OSError) as error:
            raise NodeUnreachable(f"{self.endpoint.name}: the connection is dead ({error})") from error
        return session

    def close(self) -> None:
        with contextlib.suppress(SSHException, EOFError, OSError):
            self.connection.close()


class _OnlyThePinnedKey(MissingHostKeyPolicy):
    """Reached when the node shows a key of a kind that is not the pinned one's."""

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:
        raise HostKeyChanged(f"{hostname} shows an unknown host key {key.get_name()} {key.get_base64()}")


def _open(endpoint: Endpoint, key: Ed25519Key) -> fabric.Connection:
    """Connect and log in."""
    place = place_of(endpoint.address)
    connection = _connection(endpoint, place, key)
    _pin(connection.client, endpoint, place)
    try:
        _log_in(connection, endpoint)
    except BaseException:
        connection.client.close()
        raise
    _keep_lively(connection)
    return connection


def _connection(endpoint: Endpoint, place: str, key: Ed25519Key) -> fabric.Connection:
    """Prepare a connection; nothing has been sent.

    Fabric accepts any host key and reads the user's ssh configuration unless told otherwise, so it is.
    """
    return fabric.Connection(
        place,
        user=GATE_USER,
        port=endpoint.port,
        config=fabric.Config(lazy=True, overrides={"load_ssh_configs": False}),
        forward_agent=False,
        connect_timeout=CONNECT_SECONDS,
        connect_kwargs={
            "pkey": key,
            "look_for_keys": False,
            "allow_agent": False,
            "compress": False,
            "banner_timeout": CONNECT_SECONDS,
            "auth_timeout": CONNECT_SECONDS,
            "channel_timeout": SESSION_SECONDS,
            "disabled_algorithms": WEAK_ALGORITHMS,
        },
    )


def _keep_lively(connection: fabric.Connection) -> None:
    transport = connection.transport
    transport.set_keepalive(KEEPALIVE_SECONDS)
    # A call's first word would else wait for the node's word that it got the last one of the call before: 40 ms.
    transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MILLISECONDS)


def place_of(address: str) -> str:
    """Return the IP address to connect to; a name is asked for once, so that it cannot mean two machines.

    :raises NodeUnreachable: nobody knows the name, or it leads to this machine or to a service of its own cloud.
    """
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return _looked_up(address)


def _looked_up(name: str) -> str:
    try:
        found = str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0])
        return checked_address(found)
    except BadValue as error:
        raise NodeUnreachable(f"the name {name} leads to {found}, which {error.reason}") from error
    except (OSError, UnicodeError) as error:
        raise NodeUnreachable(f"the name {name} leads nowhere ({error})") from error


def _pin(client: SSHClient, endpoint: Endpoint, place: str) -> None:
    client.set_missing_host_key_policy(_OnlyThePinnedKey())
    pinned = parse_host_key(endpoint)
    # The library looks a node up by this name.
    name = place if endpoint.port == 22 else f"[{place}]:{endpoint.port}"
    client.get_host_keys().clear()
    client.get_host_keys().add(name, pinned.get_name(), pinned)


def parse_host_key(endpoint: Endpoint) -> PKey:
    """Return the pinned key.

    :raises HostKeyChanged: none is pinned, or what is stored is no key: then no key is the right one.
    """
    kind, _, encoded = endpoint.host_key.strip().partition(" ")
    try:
        return PKey.from_type_string(kind, base64.b64decode(encoded.split(" ")[0], validate=True))
    except (SSHException, UnknownKeyType, binascii.Error, ValueError, LookupError) as error:
        raise HostKeyChanged(f"{endpoint.name}: no usable host key is pinned, so none can be right") from error


def _log_in(connection: fabric.Connection, endpoint: Endpoint) -> None:
    began = time.monotonic()
    try:
        connection.open()
    except BadHostKeyException as error:
        shown = f"{error.key.get_name()} {error.key.get_base64()}"
        raise HostKeyChanged(f"{endpoint.name} shows the host key {shown}, pinned is {endpoint.host_key}") from error
    except AuthenticationException as error:
        if time.monotonic() - began >= CONNECT_SECONDS:
            raise NodeUnreachable(f"{endpoint.name}: fell silent during the login") from error
        raise LoginRefused(f"{endpoint.name} does not accept the panel's key") from error
    except (SSHException, EOFError, OSError) as error:
        raise NodeUnreachable(
            f"{endpoint.name}: no connection to {endpoint.address} port {endpoint.port} ({error})"
        ) from error
