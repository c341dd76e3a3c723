#!/usr/bin/env python3
"""Writes a kernel's function names into its .astra_symbols section (layout: guest_kernel/drivers/symbols.cpp).

Usage: embed_symbols.py KERNEL_ELF NM OBJCOPY
"""
import struct
import subprocess
import sys
import tempfile

TABLE_BYTES = 384 * 1024
KERNEL_HALF = 1 << 63


def functions(nm, kernel):
    """(address, demangled name without arguments) of every function, by address."""
    output = subprocess.run([nm, "-C", "-n", "--defined-only", kernel], check=True, capture_output=True, text=True).stdout
    for line in output.splitlines():
        address, kind, name = line.split(" ", 2)
        if kind in "tTwW" and int(address, 16) >= KERNEL_HALF:
            yield int(address, 16), name.split("(")[0].replace("astra::", "").replace("{anonymous}::", "") or name


def main():
    kernel, nm, objcopy = sys.argv[1:4]
    symbols = list(functions(nm, kernel))
    base = symbols[0][0]
    names, entries = b"", []
    names_at = 8 * len(symbols)
    for address, name in symbols:
        entries.append(struct.pack("<II", address - base, names_at + len(names)))
        names += name[:100].encode() + b"\0"
    table = struct.pack("<IIQ", len(symbols), 0, base) + b"".join(entries) + names
    if len(table) > TABLE_BYTES:
        sys.exit(f"embed_symbols: {len(table)} bytes of symbols, room for {TABLE_BYTES}")
    with tempfile.NamedTemporaryFile() as file:
        file.write(table.ljust(TABLE_BYTES, b"\0"))
        file.flush()
        subprocess.run([objcopy, "--update-section", f".astra_symbols={file.name}", kernel], check=True)


main()
