"""An image of a few megabytes for tests on a real engine: this machine's shell and Perl, and what they load.

Its program listens on 5901, greets like an RFB server, writes what walls it feels into its log, and ends with 0 at
SIGTERM. It carries a ``make-home`` of the desktop contract, so that no desktop image is needed.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROGRAMS = ("/bin/sh", "/bin/cat", "/usr/bin/head", "/usr/bin/perl")
PORT = 5901

SERVE = r"""#!/usr/bin/perl
$| = 1;
$SIG{TERM} = sub { print "bye\n"; exit 0 };
for my $file ("/proc/self/status", "/proc/self/mounts") {
    open(my $f, "<", $file) or die;
    print grep { /^(CapEff|CapBnd|NoNewPrivs|Uid|Gid|Groups)|asci| \/ |\/tmp|\/dev\/shm/ } <$f>;
}
print "env $_=$ENV{$_}\n" for sort keys %ENV;
socket(my $s, 2, 1, 0) or die; setsockopt($s, 1, 2, pack("i", 1));
bind($s, pack("S n a4 x8", 2, 5901, "\0\0\0\0")) or die "bind: $!"; listen($s, 9) or die;
print "listening\n";
while (1) { accept(my $c, $s) or next; syswrite($c, "RFB 003.008\n"); close $c; }
"""

MAKE_HOME = r"""#!/usr/bin/perl
my ($home, $uid, $gid) = @ARGV;
if (-l $home) { print STDERR "make-home: $home is a symbolic link\n"; exit 2 }
exit 0 if -d $home && (stat $home)[4] == $uid;
if (-e $home) { print STDERR "make-home: $home belongs to another\n"; exit 2 }
mkdir $home, 0700 or die "make-home: $!\n"; chown $uid, $gid, $home or die "make-home: $!\n";
"""


def import_tiny_image(api: Any, name: str, labels: Mapping[str, str], files: Mapping[str, str] | None = None) -> str:
    """Import the image as ``name`` (``repository:tag``) and give its id; ``files`` are further texts by path."""
    repository, _, tag = name.rpartition(":")
    changes = ['ENTRYPOINT ["/serve"]', "ENV PATH=/usr/bin:/bin"]
    changes += [f"LABEL {key}={json.dumps(value)}" for key, value in labels.items()]
    answer = api.import_image_from_data(_archive(files or {}), repository=repository, tag=tag, changes=changes)
    return str(json.loads(answer.splitlines()[-1])["status"])


def _archive(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("tmp", "run", "run/asci", "home", "homes", "proc", "sys", "dev", "etc"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for path in sorted({needed for program in PROGRAMS for needed in _with_libraries(program)}):
            _add(tar, path, Path(path).read_bytes())
        texts = {"/serve": SERVE, "/usr/local/lib/asci/make-home": MAKE_HOME, **files}
        for path, text in texts.items():
            _add(tar, path, text.encode())
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, path: str, content: bytes) -> None:
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.mode, entry.size = 0o755, len(content)
    tar.addfile(entry, io.BytesIO(content))


def _with_libraries(program: str) -> list[str]:
    assert shutil.which(program), f"{program} is not on this machine"
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return [program, *re.findall(r"(/[^\s()]+)", listed)]
