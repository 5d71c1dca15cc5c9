#!/usr/bin/env python3
"""Looks for what the pure layers must not use in the symbols of their archives.

usage: symbols.py ARCHIVE...    prints every violation; exit 1 when there is one
"""

import re
import subprocess
import sys

# C functions by subject. A name is forbidden as a whole, with or without a symbol version.
FORBIDDEN_FUNCTIONS = {
    "sockets": "socket socketpair connect bind listen accept accept4 send recv sendto recvfrom sendmsg recvmsg "
               "sendmmsg recvmmsg shutdown setsockopt getsockopt getaddrinfo gethostbyname inet_pton",
    "files": "open open64 openat openat64 creat close read write pread pwrite pread64 pwrite64 readv writev "
             "lseek lseek64 fsync fdatasync ftruncate rename unlink mkdir stat stat64 fstat fstat64 mmap mmap64 "
             "ioctl fcntl fcntl64 dup dup2 pipe pipe2 opendir readdir",
    "stdio": "fopen fopen64 fdopen fclose fread fwrite fputs fputc fgets fflush printf fprintf vprintf vfprintf "
             "puts putchar perror __printf_chk __fprintf_chk __vfprintf_chk __vprintf_chk stdout stderr stdin "
             "getline tmpfile",
    "clocks": "time clock clock_gettime gettimeofday timespec_get ftime localtime localtime_r gmtime gmtime_r "
              "mktime nanosleep clock_nanosleep usleep sleep alarm setitimer timerfd_create timer_create",
    "waiting": "poll ppoll select pselect epoll_create epoll_create1 epoll_wait epoll_ctl eventfd",
    "threads": "pthread_create pthread_join pthread_detach pthread_self pthread_mutex_lock pthread_mutex_unlock "
               "pthread_cond_wait pthread_cond_signal pthread_rwlock_rdlock pthread_rwlock_wrlock pthread_once "
               "pthread_key_create pthread_getspecific pthread_setspecific sched_yield sem_wait sem_post fork "
               "vfork clone execve execv execvp posix_spawn system popen",
    "randomness": "rand srand rand_r random srandom drand48 lrand48 mrand48 arc4random arc4random_buf "
                  "getrandom getentropy",
    "environment": "getenv secure_getenv setenv setlocale dlopen dlsym getpid gethostname",
    "exceptions": "__cxa_throw __cxa_rethrow __cxa_allocate_exception __cxa_begin_catch",
    "run-time types": "__dynamic_cast __cxa_bad_cast __cxa_bad_typeid",
}
FORBIDDEN_CPP = {
    "clocks": r"std::chrono::_V2::\w+::now\(",
    "threads": r"std::(thread|jthread|condition_variable|_V2::condition_variable|__future_base|"
               r"this_thread)\b|std::__atomic_futex",
    "randomness": r"std::random_device",
    "iostream": r"std::(ios_base|basic_ios|basic_[io]+stream|basic_\w*filebuf|basic_\w*streambuf|"
                r"__cxx11::basic_\w*(stringstream|stringbuf)|basic_fstream|cout|cerr|clog|cin)\b|"
                r"std::__ostream_insert|std::ostream|std::istream",
    "files": r"std::filesystem|std::__basic_file",
    "environment": r"std::locale",
}
# The panic hook is the core's one variable, see src/base/assert.hpp; simdjson's headers define one for
# their own log, which is compiled out.
ALLOWED_VARIABLES = re.compile(r"tandem::base::\(anonymous namespace\)::panic_hook$|simdjson::\w+::ondemand::logger::")

_FUNCTIONS = {name: subject for subject, names in FORBIDDEN_FUNCTIONS.items() for name in names.split()}
_CPP = {subject: re.compile(pattern) for subject, pattern in FORBIDDEN_CPP.items()}


def judge_use(symbol):
    """The subject of a forbidden undefined symbol (demangled), or None."""
    bare = symbol.split("@")[0]
    if bare in _FUNCTIONS:
        return _FUNCTIONS[bare]
    for subject, pattern in _CPP.items():
        if pattern.match(bare):
            return subject
    return None


def judge_definition(kind, symbol):
    """Variables in zeroed or writable data are state that outlives a call."""
    if kind in "bBcC" or (kind in "dD" and symbol.startswith("guard variable")):
        if not ALLOWED_VARIABLES.search(symbol) and not symbol.startswith("__"):
            return "mutable variable"
    return None


def violations(archive):
    """[(object file, subject, symbol)] of one archive or object file."""
    run = subprocess.run(["nm", "-C", archive], capture_output=True, text=True, check=True)
    found, member = [], archive
    for line in run.stdout.splitlines():
        if line.endswith(":"):
            member = line[:-1]
            continue
        match = re.match(r"^[0-9a-f ]{16} (\w) (.*)$", line)
        if not match:
            continue
        kind, symbol = match[1], match[2]
        subject = judge_use(symbol) if kind in "UwW" and line.startswith(" ") else judge_definition(kind, symbol)
        if subject:
            found.append((member, subject, symbol))
    return found


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    failed = False
    for archive in sys.argv[1:]:
        for member, subject, symbol in violations(archive):
            print(f"{archive}({member}): {subject}: {symbol}")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
