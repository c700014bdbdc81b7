"""Packs files as tools/gpu/pack.ts does, in pieces of 7 bytes, also into what it would never make.

Reads {folder, files: [{path, text} or {path, members: [{name, text} or {name, link} or {name, hard}]}]}.
"""

import hashlib
import io
import json
import lzma
import os
import sys
import tarfile

request = json.load(sys.stdin)
manifest = {"files": []}


def archive_of(members):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for member in members:
            info = tarfile.TarInfo(member["name"])
            content = member.get("text", "").encode()
            info.size = len(content)
            if "link" in member:
                info.type, info.linkname = tarfile.SYMTYPE, member["link"]
            if "hard" in member:
                info.type, info.linkname = tarfile.LNKTYPE, member["hard"]
            tar.addfile(info, io.BytesIO(content))
    return archive.getvalue()


for number, file in enumerate(request["files"]):
    content = archive_of(file["members"]) if "members" in file else file["text"].encode()
    pieces = []
    size = 7 if "text" in file else len(content)
    for offset in range(0, len(content), size):
        name = f"{number}.{offset}.xz"
        with open(os.path.join(request["folder"], name), "wb") as out:
            out.write(lzma.compress(content[offset : offset + size]))
        pieces.append([name, offset])
    digest = hashlib.sha256(content).hexdigest()
    manifest["files"].append(
        {
            "path": file["path"],
            "bytes": len(content),
            "sha256": file.get("sha256", digest),
            "mode": 0o644,
            "pieces": pieces,
        }
    )
with open(os.path.join(request["folder"], "manifest.json"), "w") as out:
    json.dump(manifest, out)
