#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a small MaxMind database (format 2.0) for tests.

Usage: make_mmdb.py TYPE ENTRIES OUTPUT
ENTRIES is a JSON object of networks ("198.51.100.0/24") with the record of each.
Numbers with a fraction become doubles, others 32-bit unsigned integers.
"""
import ipaddress
import json
import struct
import sys

MARKER = b"\xab\xcd\xefMaxMind.com"
TYPE_STRING, TYPE_DOUBLE, TYPE_UINT16, TYPE_UINT32 = 2, 3, 5, 6
TYPE_MAP, TYPE_UINT64, TYPE_ARRAY = 7, 9, 11


def control(kind, size):
    assert size < 65821
    if size < 29:
        low, rest = size, b""
    elif size < 285:
        low, rest = 29, bytes([size - 29])
    else:
        low, rest = 30, struct.pack(">H", size - 285)
    if kind > 7:
        return bytes([low, kind - 7]) + rest
    return bytes([kind << 5 | low]) + rest


def encode(value, kind=None):
    if isinstance(value, dict):
        parts = b"".join(encode(k) + encode(v) for k, v in value.items())
        return control(TYPE_MAP, len(value)) + parts
    if isinstance(value, list):
        return control(TYPE_ARRAY, len(value)) + b"".join(encode(v) for v in value)
    if isinstance(value, str):
        data = value.encode()
        return control(TYPE_STRING, len(data)) + data
    if isinstance(value, float):
        return control(TYPE_DOUBLE, 8) + struct.pack(">d", value)
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return control(kind or TYPE_UINT32, len(data)) + data


def bits_of(network):
    """The bits of a network in the IPv6 tree; IPv4 lies below ::/96."""
    net = ipaddress.ip_network(network)
    bits, width = int(net.network_address), net.max_prefixlen
    text = format(bits, f"0{width}b")[:net.prefixlen]
    return ("0" * 96 if net.version == 4 else "") + text


def build_tree(entries):
    """Nodes as pairs; None: nothing, an int: a node, bytes offset as ("data", n)."""
    nodes, data = [[None, None]], b""
    for network, record in entries.items():
        at, bits = 0, bits_of(network)
        for bit in bits[:-1]:
            nxt = nodes[at][int(bit)]
            if not isinstance(nxt, int):
                nodes.append([None, None])
                nxt = nodes[at][int(bit)] = len(nodes) - 1
            at = nxt
        nodes[at][int(bits[-1])] = ("data", len(data))
        data += encode(record)
    return nodes, data


def record_value(record, count):
    if record is None:
        return count
    return record if isinstance(record, int) else count + 16 + record[1]


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    nodes, data = build_tree(json.loads(sys.argv[2]))
    count = len(nodes)
    tree = b"".join(record_value(r, count).to_bytes(3, "big") for node in nodes for r in node)
    fields = {"node_count": (count, TYPE_UINT32), "record_size": (24, TYPE_UINT16),
              "ip_version": (6, TYPE_UINT16), "binary_format_major_version": (2, TYPE_UINT16),
              "binary_format_minor_version": (0, TYPE_UINT16), "build_epoch": (1, TYPE_UINT64),
              "database_type": (sys.argv[1], None), "languages": (["en"], None),
              "description": ({"en": "for tests"}, None)}
    metadata = control(TYPE_MAP, len(fields))
    for name, (value, kind) in fields.items():
        metadata += encode(name) + encode(value, kind)
    with open(sys.argv[3], "wb") as f:
        f.write(tree + b"\0" * 16 + data + MARKER + metadata)


main()
