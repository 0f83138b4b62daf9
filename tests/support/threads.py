"""The threads of a running shop, by what /proc says of them."""
import contextlib
import pathlib

from shop import eventually

STARTING = {"folder", "renderer"}  # threads that do beside a start what it need not wait for, and end


def names_of_threads(pid):
    """{id: name}"""
    names = {}
    for folder in pathlib.Path("/proc/%d/task" % pid).iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            names[int(folder.name)] = (folder / "comm").read_text().strip()
    return names


def names_of_lasting_threads(pid):
    """{id: name}. What its start left to threads of their own is waited for: they end, and write meanwhile. So are
    those that have not named themselves yet."""
    def names_when_started():
        names = names_of_threads(pid)
        is_started = STARTING.isdisjoint(names.values()) and list(names.values()).count(names[pid]) == 1
        return names if is_started and names == names_of_threads(pid) else None
    return eventually(names_when_started, "the end of the threads of the start")
