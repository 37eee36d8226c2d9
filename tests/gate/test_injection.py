"""No argument of any request reaches a shell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gate.rig import Gate

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIBO4pDgfj5b6Y1rE479RG0Bflq9eUB7yNFZN5dKoAJ"

# @ stands for the canary: a file that exists afterwards if any payload was run.
PAYLOADS = r"""
;touch${IFS}@
;touch @
101;touch @
101; touch @
101;touch @;
101&touch @
101&&touch @
101||touch @
101|touch @
|touch @
$(touch @)
101$(touch @)
"$(touch @)"
'$(touch @)'
`touch @`
101`touch @`
"`touch @`"
${IFS}touch${IFS}@
$IFS$9touch$IFS@
{touch,@}
{touch,@};
>@
>>@
101>@
101 >@
<(touch @)
>(touch @)
';touch @;'
";touch @;"
'"';touch @;'"'
\;touch @
\$(touch @)
%0atouch @
101%0atouch%20@
101\ntouch @
101\r\ntouch @
\ntouch @\n
101\x00;touch @
$((`touch @`))
$[`touch @`]
${x:-$(touch @)}
${x:=`touch @`}
a[$(touch @)]
a[`touch @`]+1
x=$(touch @)
x=1;touch @
*;touch @
?;touch @
[a-z];touch @
~;touch @
!touch @
#;touch @
-oProxyCommand=touch${IFS}@
-oProxyCommand=touch @
--rsh=touch @
-e touch @
--checkpoint-action=exec=touch @
-F@
--help;touch @
../../../tmp/x;touch @
/bin/sh -c touch${IFS}@
sh<<<touch${IFS}@
eval touch @
exec touch @
. @
source @
\u2028touch @
\uff1btouch @
$'\\ntouch\\x20@'
() { :;};touch @
$(echo${IFS}dG91Y2g=|base64${IFS}-d) @
""".strip().splitlines()

PLACES = [
    "{}",
    "hello {}",
    "ask {}",
    "ask ct_status,{}",
    "ask ct_config,{}",
    "ask cpt_caps_ok,101,{}",
    "ask ssh_to,192.0.2.1,{}",
    "ask ssh_to,{},1",
    "ask arp_owner,{}",
    "ask digest,1,{}",
    "ask digest,{},file",
    "ask work,{}",
    "do {} 1 strip",
    "do 101 {} strip",
    "do 101 1 {}",
    "do 101 1 strip {}",
    "do 101 1 address {}",
    "do 101 1 address hostname={}",
    "do 101 1 address onboot={}",
    "do 101 1 set_onboot {}",
    "do 101 1 announce {} 3",
    "do 101 1 announce 192.0.2.1 {}",
    "do 101 1 freeze {}",
    "do 101 1 unfreeze 192.0.2.1 {}",
    "do 101 1 drained {}",
    "do 101 1 trust_make {}",
    "do 101 1 trust_accept {} 192.0.2.1 ssh-ed25519 " + KEY,
    "do 101 1 trust_accept 1 {} ssh-ed25519 " + KEY,
    "do 101 1 trust_accept 1 192.0.2.1 {} " + KEY,
    "do 101 1 trust_accept 1 192.0.2.1 ssh-ed25519 {}",
    "do 101 1 trust_accept 1 192.0.2.1 ssh-ed25519 " + KEY + "{}",
    "do 101 1 trust_pin 1 {} ssh-ed25519 " + KEY,
    "do 101 1 trust_pin 1 192.0.2.1 ssh-ed25519 " + KEY + "{}",
    "do 101 1 trust_drop {}",
    "do 101 1 reserve {}",
    "do 101 1 clear_incoming {}",
    "do 101 1 accept_incoming {}",
    "do 101 1 fence {} 1",
    "do 101 1 fence 1 {}",
    "do 101 1 retire 1 {}",
    "do 101 1 forget_work {}",
    "do 101 1 rehearsal_drop 1 {}",
    "job start {} 101 1 start",
    "job start m1-x-a1 101 1 {}",
    "job start m1-x-a1 101 1 stop {}",
    "job start m1-x-a1 101 1 stop 10 {}",
    "job start m1-x-a1 101 1 sync {} 1 first 0",
    "job start m1-x-a1 101 1 sync 192.0.2.1 1 first {}",
    "job start m1-x-a1 101 1 vzmigrate {} 1 live 0",
    "job start m1-x-a1 101 1 vzdump 1 {} 0",
    "job start m1-x-a1 101 1 push_archive {} 1 0",
    "job start m1-x-a1 101 1 install {}",
    "job start m1-x-a1 101 1 rehearse_start 1 {}",
    "job status {}",
    "job status m1-x-a1 {}",
    "job cancel {} 101 1",
    "job forget m1-x-a1 {} 1",
]


def _requests(canary: str) -> Iterator[tuple[str, str]]:
    for payload in PAYLOADS:
        text = (
            payload.replace("@", canary)
            .replace("\\n", "\n")
            .replace("\\r", "\r")
            .replace("\\u2028", "\u2028")
            .replace("\\uff1b", "\uff1b")
        )
        for place in PLACES:
            yield place, place.format(text.replace("\\x00", "\x01"))


def test_the_corpus_is_large_enough() -> None:
    assert len(PAYLOADS) >= 60
    assert len(PLACES) >= 50


@pytest.mark.parametrize("place", PLACES)
def test_no_payload_is_run(gate: Gate, place: str) -> None:
    canary = gate.root / "canary"
    for name in ("rsync", "vzmigrate", "vzdump", "arpsend", "arping", "yum"):
        gate.tool(name)
    for where, request_text in _requests(str(canary)):
        if where == place:
            reply = gate(request_text)
            assert reply.exit_code == 64, request_text
            assert not canary.exists(), request_text
    assert not gate.calls
