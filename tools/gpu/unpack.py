"""Puts the pieces of a packed Ballast together on a machine without a network.

    python3 unpack.py PARTS FOLDER

PARTS holds what tools/gpu/pack.ts wrote, all parts side by side; FOLDER is made. Needs nothing but
Python 3.8 or later: pieces are decompressed side by side, joined, and held to the digests of the
manifest. Nothing is written outside FOLDER.
"""

import concurrent.futures
import hashlib
import json
import lzma
import os
import sys
import tarfile

BLOCK = 1 << 22


def main(parts, folder):
    manifest = read_manifest(parts)
    refuse(problems_of(manifest, parts, folder))
    os.makedirs(folder, exist_ok=True)
    with concurrent.futures.ProcessPoolExecutor() as pool:
        jobs = [
            pool.submit(piece, os.path.join(parts, name), path, offset)
            for target in manifest["files"]
            for path in [os.path.join(folder, target["path"])]
            if touch(path, target["bytes"])
            for name, offset in target["pieces"]
        ]
        for job in jobs:
            job.result()
    for target in manifest["files"]:
        path = os.path.join(folder, target["path"])
        found = sha256(path)
        if found != target["sha256"]:
            sys.exit(f"{path}: expected SHA-256 {target['sha256']} but found {found}.")
        os.chmod(path, target["mode"])
        if path.endswith(".tar"):
            extract(path)
            os.remove(path)


def read_manifest(parts):
    path = os.path.join(parts, "manifest.json")
    try:
        with open(path) as file:
            return json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        sys.exit(f"{path}: expected the manifest, which lies in the last part, but found no file.")


def problems_of(manifest, parts, folder):
    """What is wrong with the parts, all at once, before anything is written."""
    for target in manifest["files"]:
        path = target["path"]
        if os.path.isabs(path) or not is_inside(os.path.join(folder, path), folder):
            yield f"{path!r}: expected a path inside {folder}."
        for name, _ in target["pieces"]:
            if not is_inside(os.path.join(parts, name), parts):
                yield f"{path!r}: expected a piece inside {parts} but found {name!r}."
            elif not os.path.isfile(os.path.join(parts, name)):
                yield f"{path!r}: the piece {name} is not in {parts}."


def is_inside(path, folder):
    """Whether a path, its links followed, is a folder or lies in it."""
    within = [os.path.join(os.path.realpath(it), "") for it in (path, folder)]
    return within[0].startswith(within[1])


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
        while block := packed.read(BLOCK):
            file.write(block)


def sha256(path):
    """SHA-256 of a file in hex; Python 3.11 has a function for it."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def extract(path):
    """Extracts an archive beside itself, member by member: what is there by then decides where one lies."""
    folder = os.path.dirname(path)
    # Newer versions of Python want to be told what they may extract; older ones cannot be.
    options = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
    with tarfile.open(path) as archive:
        for member in archive:
            if not stays_inside(member, folder):
                sys.exit(f"{path}: expected members inside {folder} but found {member.name!r}.")
            archive.extract(member, folder, **options)


def stays_inside(member, folder):
    """Whether a member lies in a folder, and what it links to as well; a device has no business there."""
    to = os.path.join(folder, member.name)
    if member.issym():
        beside = os.path.dirname(to)
        return is_inside(beside, folder) and is_inside(os.path.join(beside, member.linkname), folder)
    if member.islnk():
        return is_inside(to, folder) and is_inside(os.path.join(folder, member.linkname), folder)
    return (member.isfile() or member.isdir()) and is_inside(to, folder)


def refuse(problems):
    problems = list(problems)
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    main(*sys.argv[1:])
