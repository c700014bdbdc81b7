"""Puts the pieces of a packed Ballast together on a machine without a network.

    python3 unpack.py PARTS FOLDER

PARTS holds what tools/gpu/pack.ts wrote, all parts side by side; FOLDER is made. Needs nothing but
Python 3: pieces are decompressed side by side, joined, and held to the digests of the manifest.
"""

import concurrent.futures
import hashlib
import json
import lzma
import os
import sys
import tarfile


def main(parts, folder):
    with open(os.path.join(parts, "manifest.json")) as file:
        manifest = json.load(file)
    os.makedirs(folder, exist_ok=True)
    with concurrent.futures.ProcessPoolExecutor() as pool:
        jobs = [
            (target, pool.submit(piece, os.path.join(parts, name), path, offset))
            for target in manifest["files"]
            for path in [os.path.join(folder, target["path"])]
            if touch(path, target["bytes"])
            for name, offset in target["pieces"]
        ]
        for _, job in jobs:
            job.result()
    for target in manifest["files"]:
        path = os.path.join(folder, target["path"])
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != target["sha256"]:
            sys.exit(f"{path}: expected SHA-256 {target['sha256']} but found {found}.")
        os.chmod(path, target["mode"])
        if path.endswith(".tar"):
            with tarfile.open(path) as archive:
                archive.extractall(os.path.dirname(path), filter="tar")
            os.remove(path)


def touch(path, size):
    """Makes a file of a size, into whose places pieces are written."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.truncate(size)
    return True


def piece(source, path, offset):
    """Decompresses one piece to its place."""
    with lzma.open(source) as packed, open(path, "r+b") as file:
        file.seek(offset)
        while block := packed.read(1 << 22):
            file.write(block)


if __name__ == "__main__":
    main(*sys.argv[1:])
