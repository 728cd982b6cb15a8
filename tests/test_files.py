"Files: what is written, through which names and with which rights; what is read, and what is not; what is installed."
import errno
import io
import os
import pty
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import tomllib
import tracemalloc
import zipfile
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import gmm_nb.mixture as module
import numpy as np
import pytest
from gmm_nb.mixture import Mixture, open_whole, saved_columns, write_whole

ROOT = Path(__file__).resolve().parent.parent
MIXTURE = Mixture([0.25, 0.75], [[0.0, 1.0], [2.0, 3.0]], [[[2.0, 0.5], [0.5, 1.0]], np.eye(2)])
PARTS = {name: getattr(MIXTURE, name) for name in module.NAMES}


# ---- what is no regular file is written to

def reader(path):
    "A thread that reads a pipe to its end, and the list that its content comes into"
    got = []
    thread = threading.Thread(target=lambda: got.append(Path(path).read_bytes()), daemon=True)
    thread.start()
    return thread, got


@pytest.mark.parametrize("name", ["pipe", "link"])
def test_a_pipe_stays_a_pipe(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    thread, got = reader(tmp_path / "pipe")
    write_whole(tmp_path / name, b"x" * 200_000)
    thread.join(10)
    assert got == [b"x" * 200_000] and stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)
    assert (tmp_path / "link").is_symlink() and sorted(os.listdir(tmp_path)) == ["link", "pipe"]


@pytest.mark.parametrize("linked", [False, True])
def test_a_device_stays_a_device(tmp_path, linked):
    "A terminal made for this test, whose folder takes no files: a test that fails must not cost the machine its null device"
    ours, theirs = pty.openpty()
    try:
        name = os.ttyname(theirs)
        (tmp_path / "link").symlink_to(name)
        write_whole(tmp_path / "link" if linked else name, b"to a device\n")
        assert os.read(ours, 100) == b"to a device\r\n" and stat.S_ISCHR(os.stat(name).st_mode)
        assert os.listdir(tmp_path) == ["link"] and (tmp_path / "link").is_symlink()
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_socket_is_refused_and_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's name must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        with pytest.raises(OSError): write_whole("s", b"x")
        assert stat.S_ISSOCK(os.stat("s").st_mode) and os.listdir() == ["s"]


SAY = "from gmm_nb.mixture import write_whole; print('first'); write_whole('/dev/fd/1', b'second\\n'); print('third')"


def test_the_standard_output_is_a_pipe():
    run = subprocess.run([sys.executable, "-c", SAY], capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr) == ("first\nsecond\nthird\n", "")


def test_the_standard_output_is_a_file_that_has_a_beginning(tmp_path):
    (tmp_path / "log").write_text("before\n")
    with open(tmp_path / "log", "a") as log: subprocess.run([sys.executable, "-c", SAY], stdout=log, check=True, timeout=60)
    assert (tmp_path / "log").read_text() == "before\nfirst\nsecond\nthird\n" and os.listdir(tmp_path) == ["log"]


# ---- links

def test_through_a_chain_of_links(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "a").symlink_to("../far/b")
    (tmp_path / "far" / "b").symlink_to("c")
    for content in (b"new", b"newer"):  # at first the links lead to nothing
        write_whole(tmp_path / "near" / "a", content)
        assert (tmp_path / "far" / "c").read_bytes() == content and (tmp_path / "far" / "b").is_symlink()
    assert os.listdir(tmp_path / "near") == ["a"] and sorted(os.listdir(tmp_path / "far")) == ["b", "c"]


def test_a_circle_of_links(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError) as caught: write_whole(tmp_path / "a", b"x")
    assert caught.value.errno == errno.ELOOP and sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_another_hard_link_keeps_the_old_content(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    os.link(tmp_path / "a", tmp_path / "b")
    write_whole(tmp_path / "a", b"new")
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == (b"new", b"old")


# ---- rights

@contextmanager
def umask(mask):
    before = os.umask(mask)
    try: yield
    finally: os.umask(before)


def mode(path): return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("there", [0o600, 0o640, 0o664, 0o755])
@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_the_mode_is_kept(tmp_path, there, mask):
    path = tmp_path / "m.npz"
    path.write_bytes(b"old")
    path.chmod(there)
    with umask(mask): MIXTURE.save(path)
    assert mode(path) == there and Mixture.load(path).n_components == 2


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o077])
def test_a_new_file_follows_the_umask(tmp_path, mask):
    with umask(mask): write_whole(tmp_path / "new", b"x")
    assert mode(tmp_path / "new") == 0o666 & ~mask


def test_nobody_else_may_look_while_a_private_file_is_written(tmp_path):
    (tmp_path / "private").write_bytes(b"old")
    (tmp_path / "private").chmod(0o600)
    with umask(0), open_whole(tmp_path / "private") as file:
        assert {name: mode(tmp_path / name) for name in os.listdir(tmp_path)} == {"private": 0o600, os.path.basename(file.name): 0o600}


@pytest.mark.parametrize("refused, asked, after", [((), [(5, 6)], 0o664), ((5,), [(5, 6), (-1, 6)], 0o664), ((5, -1), [(5, 6), (-1, 6)], 0o604)])
def test_the_owner_is_kept_as_far_as_one_may(tmp_path, monkeypatch, refused, asked, after):
    "What the old group could do, another group must not"
    calls = []
    def chown(name, user, group):
        calls.append((user, group))
        if user in refused: raise PermissionError(errno.EPERM, "Operation not permitted", name)
    monkeypatch.setattr(module.os, "chown", chown)
    (tmp_path / "new").write_bytes(b"")
    module._inherit(tmp_path / "new", SimpleNamespace(st_uid=5, st_gid=6, st_mode=stat.S_IFREG | 0o664))
    assert calls == asked and mode(tmp_path / "new") == after


@pytest.fixture
def plain_user():
    "A folder of a user who may not do everything: this one, or for root an ordinary one"
    folder = Path(tempfile.mkdtemp(prefix="gmm_nb"))
    root = os.geteuid() == 0
    if root: os.chown(folder, 65534, 65534), os.seteuid(65534)
    try: yield folder
    finally:
        if root: os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


def test_a_folder_that_takes_no_new_file(plain_user):
    "The file could be written over, but not replaced whole: it is refused, and says why"
    (plain_user / "m.npz").write_bytes(b"old")
    plain_user.chmod(0o500)
    for name in ("m.npz", "new.npz"):
        with pytest.raises(PermissionError, match=r"cannot be written whole: no new file may be made in .*\.npz'$"): MIXTURE.save(plain_user / name)
    assert (plain_user / "m.npz").read_bytes() == b"old" and os.listdir(plain_user) == ["m.npz"]


def test_a_write_protected_file_is_not_replaced(plain_user):
    (plain_user / "m.npz").write_bytes(b"old")
    (plain_user / "m.npz").chmod(0o444)
    with pytest.raises(PermissionError, match="write-protected"): MIXTURE.save(plain_user / "m.npz")
    assert (plain_user / "m.npz").read_bytes() == b"old" and os.listdir(plain_user) == ["m.npz"]


# ---- names

@pytest.mark.parametrize("name", ["n" * 255, "n" * 244, "ü" * 127, ".npz", "a\nb", "-"])
def test_every_name_that_a_file_can_have(tmp_path, name):
    for content in (b"old", b"new"): write_whole(tmp_path / name, content)
    assert (tmp_path / name).read_bytes() == b"new" and os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("make", [str, os.fsencode, Path])
def test_every_type_of_name(tmp_path, make):
    write_whole(make(str(tmp_path / "ü")), b"x")
    assert os.listdir(tmp_path) == ["ü"]


@pytest.mark.parametrize("name, code", [("n" * 256, errno.ENAMETOOLONG), ("", errno.ENOENT), ("new/", errno.ENOENT), ("file/new", errno.ENOTDIR),
                                        ("none/new", errno.ENOENT), ("..", errno.EISDIR), ("folder", errno.EISDIR)])
def test_names_that_cannot_be_written(tmp_path, monkeypatch, name, code):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("x")
    Path("folder").mkdir()
    with pytest.raises(OSError) as caught: write_whole(name, b"x")
    assert caught.value.errno == code and caught.value.filename == name
    assert sorted(os.listdir()) == ["file", "folder"] and not os.listdir("folder")


# ---- whole or not at all

@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
@pytest.mark.parametrize("old", [None, b"old"])
def test_an_error_while_writing_changes_nothing(tmp_path, error, old):
    if old is not None: (tmp_path / "f").write_bytes(old)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(error), open_whole(tmp_path / "f") as file:
        file.write(b"x" * 100_000)
        raise error
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_failing_step_is_told_under_the_name_that_was_given(tmp_path, monkeypatch, step):
    path = tmp_path / "f"
    path.write_bytes(b"old")
    def fail(*args): raise OSError(errno.ENOSPC, "No space left on device", *[name for name in args[:1] if isinstance(name, str)])
    with monkeypatch.context() as patch:
        patch.setattr(module.os, step, fail)
        with pytest.raises(OSError, match="No space") as caught: write_whole(path, b"new")
    assert caught.value.filename == str(path) and path.read_bytes() == b"old" and os.listdir(tmp_path) == ["f"]


def test_it_is_on_the_disk_before_the_old_file_is_gone(tmp_path, monkeypatch):
    order, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(module.os, "fsync", lambda n: (order.append(("fsync", os.fstat(n).st_size)), fsync(n)))
    monkeypatch.setattr(module.os, "replace", lambda a, b: (order.append(("replace", os.stat(a).st_size)), replace(a, b)))
    write_whole(tmp_path / "f", b"abc")
    assert order == [("fsync", 3), ("replace", 3)]


# ---- what is read of a file

def npy(array=None, header=None, version=(1, 0)):
    "An entry of an archive: an array, or a header of one's own making with nothing below it"
    if header is None:
        file = io.BytesIO()
        np.lib.format.write_array(file, np.asarray(array), version)
        return file.getvalue()
    text = repr(header).encode() + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version == (1, 0) else "<I", len(text)) + text


def archive(path, compression=zipfile.ZIP_STORED, more=(), **entries):
    "A saved mixture with other entries, as bytes or arrays"
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in [*(PARTS | entries).items(), *more]:
            if content is not None: file.writestr(f"{name}.npy", content if isinstance(content, bytes) else npy(content))
    return path


def peak(work):
    "Largest memory that Python and NumPy held at once during some work"
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally: tracemalloc.stop()


def refuse(path, message):
    def work():
        with pytest.raises(ValueError, match=message): Mixture.load(path)
        with pytest.raises(ValueError, match=message): saved_columns(path)
    assert peak(work) < 3e6


def same(mixture, exact=True):
    for name in module.NAMES[:3]: (np.testing.assert_array_equal if exact else np.testing.assert_allclose)(getattr(mixture, name), PARTS[name])


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_entry_that_is_not_known_is_not_read(tmp_path, compression):
    path = archive(tmp_path / "m.npz", compression, more=[("extra", np.zeros(10**7)), ("objects", b"not an array")])
    assert peak(lambda: same(Mixture.load(path))) < 3e6


@pytest.mark.parametrize("kind", ["deflate", "bzip2", "lzma"])
def test_a_known_entry_may_not_unpack_to_much(tmp_path, kind):
    method = {"deflate": zipfile.ZIP_DEFLATED, "bzip2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA}[kind]
    n = 2**24 + 1 if kind == "deflate" else 1000
    path = archive(tmp_path / "m.npz", method, weights=np.zeros(n), means=np.zeros((n, 1)), covariances=np.zeros(n), structure="spherical")
    assert path.stat().st_size < 10**6
    refuse(path, r"m\.npz: weights claims \d+ bytes, packed in \d+; expected entries without compression")


def test_what_unpacks_to_little_is_read(tmp_path):
    same(Mixture.load(archive(tmp_path / "m.npz", zipfile.ZIP_DEFLATED)))


DOUBLES = {"descr": "<f8", "fortran_order": False}


@pytest.mark.parametrize("entries, message", [
    ({"weights": np.zeros(3_000_000)}, r"m\.npz: means has shape \(2, 2\); expected \(3000000, 2\)"),
    ({"means": np.zeros((2, 1_500_000))}, r"m\.npz: covariances has shape \(2, 2, 2\); expected \(2, 1500000, 1500000\)"),
    ({"covariances": np.zeros((2, 1500, 1500))}, r"m\.npz: covariances has shape \(2, 1500, 1500\); expected \(2, 2, 2\)"),
    ({"columns": np.array(["a"] * 1_000_000)}, r"m\.npz: columns has shape \(1000000,\); expected \(2,\)"),
    ({"columns": np.ones(2)}, r"columns has dtype float64; expected words"),
    ({"columns": np.array("ab")}, r"columns has shape \(\); expected \(2,\)"),
    ({"structure": np.array("full" + "l" * 4_000_000)}, "not a saved mixture"),
    ({"structure": np.array(["full"] * 2)}, "not a saved mixture"), ({"structure": np.array(b"full")}, "not a saved mixture"),
    ({"structure": np.array("round")}, r"m\.npz: structure is 'round'"),
    ({"weights": np.array([0.5, 0.5j])}, "weights has dtype complex128; expected real numbers"),
    ({"weights": np.array([True, False])}, "weights has dtype bool"), ({"means": np.array([["a", "b"]] * 2)}, "means has dtype <U1"),
    ({"weights": np.array([(1, 2)] * 2, dtype="f8,f8")}, "weights has dtype"),
    ({"weights": np.array(["2020", "2021"], dtype="M8[Y]")}, r"weights has dtype datetime64\[Y\]"),
    ({"weights": np.float64(1)}, r"weights has shape \(\); expected"), ({"means": np.zeros(2)}, "means has shape"),
    ({"weights": npy(header={**DOUBLES, "shape": (10**15,)})}, "not a saved mixture"),
    ({"weights": npy(header={**DOUBLES, "shape": (2,)})}, "not a saved mixture"),
    ({"weights": npy(header={**DOUBLES, "shape": (-2,)})}, "not a saved mixture"),
    ({"weights": npy([0.25, 0.75]) + b"12345678"}, "not a saved mixture"),
    ({"weights": npy(header={"descr": "|O", "fortran_order": False, "shape": (2,)}) + bytes(16)}, "weights has dtype object"),
    ({"weights": npy(header={"descr": "<f8", "shape": (2,)})}, "not a saved mixture"), ({"weights": b""}, "not a saved mixture"),
    ({"weights": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 5_000_000}, "not a saved mixture"),
    ({"weights": npy([0.25, 0.75], version=(2, 0))}, "not a saved mixture"),
    ({"weights": None}, "lacks weights"), ({"weights": None, "structure": None}, "lacks weights, structure"),
    ({"more": [("weights", [0.5, 0.5])]}, r"m\.npz has weights twice"), ({"more": [("structure", "tied")]}, "has structure twice"),
])
def test_entries_that_do_not_fit_are_refused_before_their_data_are_read(tmp_path, entries, message):
    with pytest.warns(UserWarning, match="Duplicate") if "more" in entries else contextmanager(lambda: (yield))():
        path = archive(tmp_path / "m.npz", **entries)
    refuse(path, message)


def test_what_is_wrong_with_the_numbers_is_told_with_the_name_of_the_file(tmp_path):
    with pytest.raises(ValueError, match=r"m\.npz: weights sum to 1\.5"): Mixture.load(archive(tmp_path / "m.npz", weights=[0.75, 0.75]))


def test_an_encrypted_entry(tmp_path):
    content = bytearray(archive(tmp_path / "m.npz").read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := content.find(signature, at + 1)) >= 0: content[at + offset] |= 1
    (tmp_path / "m.npz").write_bytes(content)
    refuse(tmp_path / "m.npz", r"m\.npz: weights is encrypted")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("d", [2, 64])  # one short piece of the decompressor, or several
def test_a_wrong_checksum(tmp_path, compression, d):
    rng = np.random.default_rng(0)
    path = archive(tmp_path / "m.npz", compression, weights=np.array([1.0]), means=rng.normal(size=(1, d)), covariances=rng.random((1, d)), structure="diag")
    Mixture.load(path)
    content = bytearray(path.read_bytes())
    for info in zipfile.ZipFile(path).infolist():
        if info.filename != "means.npy": continue
        wrong = (info.CRC ^ 1).to_bytes(4, "little")
        content = content.replace(info.CRC.to_bytes(4, "little"), wrong)  # in the entry and in the directory
    path.write_bytes(content)
    refuse(path, "not a saved mixture")


def test_a_file_that_ends_too_early(tmp_path):
    content = archive(tmp_path / "m.npz", columns=np.array(["a", "b"])).read_bytes()
    for length in range(0, len(content), 7):
        (tmp_path / "m.npz").write_bytes(content[:length])
        with pytest.raises(ValueError, match="not a saved mixture"): Mixture.load(tmp_path / "m.npz")


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", ">f4", "<f2", np.longdouble])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_type_and_order_of_real_numbers(tmp_path, kind, order):
    path = archive(tmp_path / "m.npz", **{name: np.asarray(PARTS[name], dtype=kind, order=order) for name in module.NAMES[:3]})
    same(Mixture.load(path))
    for name in module.NAMES[:3]: assert getattr(Mixture.load(path), name).dtype == np.float64


def test_whole_numbers(tmp_path):
    mixture = Mixture.load(archive(tmp_path / "m.npz", weights=np.array([1], "u1"), means=np.array([[3]], ">i2"), covariances=np.array([4]),
                                   structure="spherical"))
    assert mixture.means.dtype == float and mixture.means[0, 0] == 3 and mixture.covariances[0] == 4


def test_a_model_from_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    content = archive(tmp_path / "m.npz").read_bytes()
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(content), daemon=True)
    writer.start()
    same(Mixture.load(tmp_path / "pipe"))
    writer.join(30)


def test_a_device_without_end():
    refuse("/dev/zero", "/dev/zero is not a saved mixture")


@pytest.mark.parametrize("names", ["one", ["one"], ("one",), np.array(["one"]), {"one": 1}, (name for name in ["one"])])
def test_names_of_columns_of_every_type(tmp_path, names):
    Mixture([1.0], [[0.0]], [1.0], "spherical").save(tmp_path / "m.npz", columns=names)
    assert saved_columns(tmp_path / "m.npz") == ("one",)


def test_one_word_does_not_name_two_columns(tmp_path):
    with pytest.raises(ValueError, match=r"columns has 1 name\(s\); expected 2"): MIXTURE.save(tmp_path / "m.npz", columns="ab")


# ---- what is installed

def test_every_folder_of_the_package_is_installed():
    "Also the data: setuptools takes their folder for a package, and warns at length where it is not listed"
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    files = [path.relative_to(ROOT) for path in (ROOT / "gmm_nb").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {".".join(path.parent.parts) for path in files} == set(options["packages"])
    data = {".".join(path.parent.parts): path for path in files if path.suffix != ".py"}
    assert set(data) == set(options["package-data"])
    for path in files:
        if path.suffix != ".py": assert any(path.match(pattern) for pattern in options["package-data"][".".join(path.parent.parts)]), path
