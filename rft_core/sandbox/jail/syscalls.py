"""The system calls that jailed code may make, with their numbers on x86-64 and on 64-bit ARM.

The first table is allowed whatever the arguments; the second only as `seccomp.py` says. All others
fail with "Operation not permitted", those that a future kernel adds included. Left out on purpose:
everything that starts a process or a program, opens a socket, reaches another process, or changes
owners, modes and times of files (Landlock does not watch those).
"""

Numbers = tuple[int | None, int | None]  # (x86-64, ARM); None where there is no such call

ALWAYS: dict[str, Numbers] = {
    # files
    "open": (2, None), "openat": (257, 56), "openat2": (437, 437), "creat": (85, None),
    "close": (3, 57), "close_range": (436, 436), "read": (0, 63), "write": (1, 64),
    "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67), "pwrite64": (18, 68),
    "preadv": (295, 69), "pwritev": (296, 70), "preadv2": (327, 286), "pwritev2": (328, 287),
    "lseek": (8, 62), "stat": (4, None), "fstat": (5, 80), "lstat": (6, None),
    "newfstatat": (262, 79), "statx": (332, 291), "statfs": (137, 43), "fstatfs": (138, 44),
    "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439), "readlink": (89, None),
    "readlinkat": (267, 78), "getdents": (78, None), "getdents64": (217, 61), "getcwd": (79, 17),
    "chdir": (80, 49), "fchdir": (81, 50), "umask": (95, 166), "mkdir": (83, None),
    "mkdirat": (258, 34), "rmdir": (84, None), "unlink": (87, None), "unlinkat": (263, 35),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276), "link": (86, None),
    "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36), "ftruncate": (77, 46),
    "fadvise64": (221, 223), "fsync": (74, 82), "fdatasync": (75, 83),
    "flock": (73, 32), "sendfile": (40, 71), "copy_file_range": (326, 285), "dup": (32, 23),
    "dup2": (33, None), "dup3": (292, 24), "getxattr": (191, 8), "lgetxattr": (192, 9),
    "fgetxattr": (193, 10), "listxattr": (194, 11), "llistxattr": (195, 12),
    "flistxattr": (196, 13),
    # waiting
    "pipe": (22, None), "pipe2": (293, 59), "poll": (7, None), "ppoll": (271, 73),
    "select": (23, None), "pselect6": (270, 72), "epoll_create": (213, None),
    "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, None),
    "epoll_pwait": (281, 22), "epoll_pwait2": (441, 441), "eventfd": (284, None),
    "eventfd2": (290, 19), "timerfd_create": (283, 85), "timerfd_settime": (286, 86),
    "timerfd_gettime": (287, 87), "recvfrom": (45, 207), "getsockname": (51, 204),
    "getsockopt": (55, 209), "shutdown": (48, 210),
    # memory
    "brk": (12, 214), "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216),
    "mprotect": (10, 226), "madvise": (28, 233), "msync": (26, 227), "mincore": (27, 232),
    "membarrier": (324, 283), "get_mempolicy": (239, 236),
    # itself
    "exit": (60, 93), "exit_group": (231, 94), "futex": (202, 98), "set_robust_list": (273, 99),
    "get_robust_list": (274, 100), "set_tid_address": (218, 96), "rseq": (334, 293),
    "arch_prctl": (158, None), "wait4": (61, 260), "getpid": (39, 172), "getppid": (110, 173),
    "gettid": (186, 178), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176),
    "getegid": (108, 177), "getgroups": (115, 158), "getresuid": (118, 148),
    "getresgid": (120, 150), "getpgid": (121, 155), "getpgrp": (111, None), "getsid": (124, 156),
    "getpriority": (140, 141), "getrusage": (98, 165), "getrlimit": (97, 163), "times": (100, 153),
    "uname": (63, 160), "sysinfo": (99, 179), "getcpu": (309, 168), "capget": (125, 90),
    "getrandom": (318, 278), "sched_yield": (24, 124), "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121), "sched_getscheduler": (145, 120),
    "sched_get_priority_max": (146, 125), "sched_get_priority_min": (147, 126),
    "restart_syscall": (219, 128),
    # time and signals to itself
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None),
    "alarm": (37, None), "pause": (34, None), "getitimer": (36, 102), "setitimer": (38, 103),
    "timer_create": (222, 107), "timer_settime": (223, 110), "timer_gettime": (224, 108),
    "timer_delete": (226, 111), "timer_getoverrun": (225, 109), "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "rt_sigpending": (127, 136),
    "rt_sigsuspend": (130, 133), "rt_sigtimedwait": (128, 137), "sigaltstack": (131, 132),
}  # fmt: skip

DEPENDS: dict[str, Numbers] = {
    "clone": (56, 220), "clone3": (435, 435), "kill": (62, 129), "tgkill": (234, 131),
    "socketpair": (53, 199), "sendto": (44, 206), "prctl": (157, 167), "prlimit64": (302, 261),
    "fcntl": (72, 25), "ioctl": (16, 29), "fallocate": (285, 47),
}  # fmt: skip
