"""The walls around a candidate's process, put up by the process itself after it was forked.

A tool such as bubblewrap would do the same, but it starts a new program, and a candidate
is worth forking from a warm nursery: importing torch alone takes seconds on a GPU host.
So the walls are built here from raw system calls, without a new program and without
privileges where the kernel allows it:

- `syscalls`: what Python's `os` module lacks;
- `seccomp`: which system calls are refused;
- `root`: the read-only file system of its own that a candidate sees;
- `plan`: which walls this host allows, tried once, and what is missing;
- `walls`: the processes, in the order in which they shed what they may do;
- `program`: how what stands behind walls becomes another program, such as a profiler that starts
  the candidate itself (`worker.launched` asks the nursery for one).
"""
