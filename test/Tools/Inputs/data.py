"""Data sets for data.test, into the folder argv[1]."""
import pathlib
import struct
import sys
import zipfile

import numpy as np

folder = pathlib.Path(sys.argv[1])
(folder / "batches").mkdir(parents=True, exist_ok=True)
(folder / "pictures").mkdir(exist_ok=True)
(folder / "empty").mkdir(exist_ok=True)
(folder / "mixed").mkdir(exist_ok=True)

x = np.arange(60, dtype="f4").reshape(10, 2, 3)
label = np.arange(10)
np.savez(folder / "set.npz", x=x, label=label)
np.savez_compressed(folder / "packed.npz", label=label, x=x)
np.savez(folder / "other.npz", x=x + 1, label=label)
np.savez(folder / "odd.npz", x=np.array([1, np.inf, np.nan, 3], "f4"), h=np.array([1, -2, 0.5, 65504], "f2"), scale=np.float64(2))
for i, rows in enumerate((4, 4, 2)):
    np.savez(folder / "batches" / f"{i}.npz", x=x[i * 4:i * 4 + rows], label=label[i * 4:i * 4 + rows])
(folder / "pictures" / "a.ppm").write_bytes(b"P6 # grey\n2 1\n255\n" + bytes([10, 20, 30, 40, 50, 60]))
(folder / "pictures" / "b.ppm").write_bytes(b"P6\n2 1\n255\n" + bytes([1, 2, 3, 4]))
(folder / "mixed" / "a.ppm").write_bytes(b"P6\n1 1\n255\n123")
np.save(folder / "mixed" / "a.npy", x)
(folder / "empty" / "notes.txt").write_text("nothing")

whole = (folder / "set.npz").read_bytes()
(folder / "short.npz").write_bytes(whole[:-30])
(folder / "text.npz").write_text("not an archive")
# A directory that states another place, and a member that states more bytes than it has.
end = whole.rindex(b"PK\5\6")
(folder / "outside.npz").write_bytes(whole[:end + 16] + struct.pack("<I", 1 << 30) + whole[end + 20:])
row = whole.index(b"PK\1\2")
(folder / "bomb.npz").write_bytes(whole[:row + 20] + struct.pack("<II", 50, 0x7fffffff) + whole[row + 28:])
with zipfile.ZipFile(folder / "bzip.npz", "w", zipfile.ZIP_BZIP2) as archive:
    archive.write(folder / "mixed" / "a.npy", "x.npy")
packed = bytearray((folder / "packed.npz").read_bytes())
packed[packed.index(b"x.npy") + 60] ^= 0x55
(folder / "damaged.npz").write_bytes(packed)
