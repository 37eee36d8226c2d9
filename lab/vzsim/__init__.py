"""Stand-ins for the OpenVZ tools, for lab nodes that have no OpenVZ kernel.

Installed on a node as the package `vzsim` in /usr/lib; its doors are the programs in /usr/sbin. Options, words, exit
codes, locks and leftovers are those of vzctl 4.11.1. What the kernel would do is done with namespaces, control groups
and CRIU, which is driven directly: OpenVZ's undump leaves a container standing still, and runc's restore cannot.

The modules on the way of a live move import little: at half a second of suspended time every import is felt.
"""
