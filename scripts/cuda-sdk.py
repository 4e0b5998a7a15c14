#!/usr/bin/env python3
"""Unpacks NVIDIA's Python wheels: cuda-sdk.py FOLDER NAME==VERSION:all|headers…

Called by cuda-sdk.mjs, which says which. The wheels come from wherever pip is configured to look. Of a wheel wanted for
its headers alone only those entries are read: out of the file if it is one, by HTTP range requests if the server takes
them, else the whole wheel is downloaded. The files land below FOLDER/nvidia; one line for each wheel,
NAME==VERSION:KIND and what it took, is printed when it is complete.
"""
import io
import logging
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import zipfile

BLOCK = 1 << 18


class Refused(Exception):
    pass


class RemoteFile(io.RawIOBase):
    """A file on a web server, read block by block."""

    def __init__(self, session, url):
        self.session, self.url, self.position, self.blocks, self.received = session, url, 0, {}, 0
        probe = self.request(0, 1)
        total = probe.headers.get("Content-Range", "").rpartition("/")[2]
        if not total.isdigit():
            raise Refused("no range requests")
        self.size = int(total)

    def request(self, start, end):
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity", "Cache-Control": "no-cache"}
        response = self.session.get(self.url, headers=headers, stream=True)
        response.raise_for_status()
        if response.status_code != 206:
            response.close()
            raise Refused("no range requests")
        return response

    def block(self, index):
        if index not in self.blocks:
            start = index * BLOCK
            self.blocks[index] = self.request(start, min(start + BLOCK, self.size)).content
            self.received += len(self.blocks[index])
        return self.blocks[index]

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self.position

    def seek(self, offset, whence=io.SEEK_SET):
        self.position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        return self.position

    def readinto(self, buffer):
        index, inside = divmod(self.position, BLOCK)
        data = self.block(index)[inside : inside + len(buffer)] if self.position < self.size else b""
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)


def locate(names):
    """Where pip would get each wheel from, and the session it would use: certificates, proxies and passwords are pip's
    own. These are pip's internals, so that whatever goes wrong here means: download with pip's command instead."""
    from pip._internal.commands import create_command
    from pip._vendor.packaging.specifiers import SpecifierSet

    logging.getLogger("pip").setLevel(logging.ERROR)
    command = create_command("download")
    options, _ = command.parse_args(["--no-deps", "--retries", "1"])
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options=options, session=session)
        links = {}
        for name, version in names:
            found = finder.find_best_candidate(name, SpecifierSet(f"=={version}")).best_candidate
            if found is None:
                raise Refused(f"{name} {version} not found")
            links[name] = found.link
    return session, links


def unpack(archive, folder, headers_only):
    for entry in archive.infolist():
        parts = pathlib.PurePosixPath(entry.filename).parts
        if entry.is_dir() or not entry.filename.startswith("nvidia/") or ".." in parts:
            continue
        if headers_only and "/include/" not in entry.filename:
            continue
        archive.extract(entry, folder)
        if entry.external_attr >> 16 & 0o111:
            os.chmod(folder / entry.filename, 0o755)


def read_headers(session, link, folder):
    """The headers alone, if the wheel can be read in part. Returns how."""
    if link.is_file:
        with zipfile.ZipFile(link.file_path) as archive:
            unpack(archive, folder, True)
        return "headers, read out of the wheel's file"
    remote = RemoteFile(session, link.url_without_fragment)
    with zipfile.ZipFile(io.BufferedReader(remote, BLOCK)) as archive:
        unpack(archive, folder, True)
    return f"headers, {remote.received / 1e6:.1f} of {remote.size / 1e6:.0f} MB read"


def download(requirement, folder, headers_only):
    """The whole wheel, by pip's command. Returns how."""
    with tempfile.TemporaryDirectory(dir=folder) as wheels:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary", ":all:"]
        subprocess.run([*command, "--retries", "1", "-d", wheels, requirement], check=True)
        (wheel,) = pathlib.Path(wheels).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            unpack(archive, folder, headers_only)
        return f"{'headers, ' if headers_only else ''}wheel of {wheel.stat().st_size / 1e6:.1f} MB"


def brief(error):
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = []
    for argument in sys.argv[2:]:
        requirement, _, kind = argument.rpartition(":")
        wanted.append((requirement, *requirement.split("=="), kind))
    partial = [(name, version) for _, name, version, kind in wanted if kind == "headers"]
    reason, session, links = "", None, {}
    try:
        if partial:
            session, links = locate(partial)
    except Exception as error:
        reason = brief(error)
    for requirement, name, _, kind in wanted:
        started = time.monotonic()
        how = None
        try:
            if name in links:
                how = read_headers(session, links[name], folder)
        except Exception as error:
            reason = brief(error)
        if how is None:
            how = download(requirement, folder, kind == "headers") + (f" ({reason})" if kind == "headers" else "")
        print(f"{requirement}:{kind} {how}, {time.monotonic() - started:.1f} s", flush=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, error.cmd[:4]))} … {error.cmd[-1]}: exit code {error.returncode}")
