"""The container's header page, as far as tests need it to damage a plan on purpose (see lib/Plan/Layout.h)."""
import hashlib
import struct

PAGE = 4096
HEADER, ROW = 128, 64
DIGEST = slice(40, 72)
KINDS = {1: "PLAN", 2: "WEIGHTS", 3: "CODE", 4: "SOURCE", 5: "META", 6: "KERNELS"}


def rows(data):
    """[(kind, offset, length, position of the row in the file)]"""
    (count,) = struct.unpack_from("<I", data, 32)
    table = []
    for index in range(count):
        at = HEADER + ROW * index
        kind, _, offset, length = struct.unpack_from("<IIQQ", data, at)
        table.append((KINDS[kind], offset, length, at))
    return table


def tree_digest(data):
    """SHA-256 over the SHA-256 of each MiB."""
    root = hashlib.sha256()
    for at in range(0, len(data), 1 << 20):
        root.update(hashlib.sha256(data[at:at + (1 << 20)]).digest())
    return root.digest()


def sign(data):
    """Makes all digests right again, so that what lies behind them is tested."""
    data = bytearray(data)
    for _, offset, length, at in rows(data):
        if offset + length <= len(data):
            data[at + 32:at + 64] = tree_digest(bytes(data[offset:offset + length]))
    data[DIGEST] = bytes(32)
    data[DIGEST] = hashlib.sha256(bytes(data[:PAGE])).digest()
    return bytes(data)
