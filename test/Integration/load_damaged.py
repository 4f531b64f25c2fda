#!/usr/bin/env python3
"""Loads damaged copies of a plan through the C API, in this process: a crash is then a crash of this program.

    load_damaged.py LIBRARY PLAN MODE SEED COUNT      MODE: flip (one bit), resign (one word of PLAN, digests made right)

Prints one line for each copy: what was damaged, and the error's code, or "loaded".
"""
import ctypes
import random
import struct
import sys

import plan_file


def load_api(library):
    api = ctypes.CDLL(library)
    api.tenon_session_create_from_memory.restype = ctypes.c_void_p
    api.tenon_session_create_from_memory.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p,
                                                     ctypes.POINTER(ctypes.c_void_p)]
    for part in ("code", "message", "remedy"):
        getattr(api, f"tenon_error_{part}").restype = ctypes.c_char_p
        getattr(api, f"tenon_error_{part}").argtypes = [ctypes.c_void_p]
    api.tenon_error_destroy.argtypes = [ctypes.c_void_p]
    api.tenon_session_destroy.argtypes = [ctypes.c_void_p]
    return api


def load(api, data):
    session = ctypes.c_void_p()
    error = api.tenon_session_create_from_memory(data, len(data), None, ctypes.byref(session))
    if not error:
        api.tenon_session_destroy(session)
        return "loaded"
    code, message, remedy = (getattr(api, f"tenon_error_{p}")(error).decode(errors="replace") for p in ("code", "message", "remedy"))
    api.tenon_error_destroy(error)
    return code if message and remedy else f"{code} without message or remedy"


def flip(data, rng):
    damaged, bit = bytearray(data), rng.randrange(len(data) * 8)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged), f"bit {bit}"


def resign(data, rng):
    (_, offset, length, _) = next(r for r in plan_file.rows(data) if r[0] == "PLAN")
    damaged, at = bytearray(data), offset + rng.randrange(length // 4) * 4
    word = rng.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, rng.getrandbits(32), rng.getrandbits(8)])
    damaged[at:at + 4] = struct.pack("<I", word)
    return plan_file.sign(damaged), f"word at {at} = {word:#x}"


def main():
    library, plan, mode, seed, count = sys.argv[1:]
    api, rng = load_api(library), random.Random(int(seed))
    with open(plan, "rb") as file:
        data = file.read()
    assert load(api, data) == "loaded", "the undamaged plan must load"
    assert load(api, plan_file.sign(data)) == "loaded", "plan_file.sign must agree with the writer"
    for _ in range(int(count)):
        damaged, what = {"flip": flip, "resign": resign}[mode](data, rng)
        print(what, end=": ", flush=True)
        print(load(api, damaged), flush=True)


if __name__ == "__main__":
    main()
