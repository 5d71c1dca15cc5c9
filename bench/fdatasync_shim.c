// Preloaded into the server: counts its calls of fdatasync and fsync, and meddles with them.
// TANDEM_SHIM_DELAY_US  each takes so much longer
// TANDEM_SHIM_FAIL_AT   the call of that number fails with EIO
// TANDEM_SHIM_SKIP      nothing is forced to the disk
// TANDEM_SHIM_COUNT     a file for two numbers of eight bytes in this machine's order, for others to
//                       read: all calls, and those for the file whose call had failed, after that
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t* counts;
static _Atomic uint64_t calls;
static _Atomic int failed_fd = -1;
static long delay_us;
static uint64_t fail_at;
static int skips;

static long number_of(const char* name) {
    const char* text = getenv(name);
    return text != NULL ? atol(text) : 0;
}

__attribute__((constructor)) static void start(void) {
    const char* name = getenv("TANDEM_SHIM_COUNT");
    delay_us = number_of("TANDEM_SHIM_DELAY_US");
    fail_at = (uint64_t)number_of("TANDEM_SHIM_FAIL_AT");
    skips = number_of("TANDEM_SHIM_SKIP") != 0;
    if (name == NULL) return;
    const size_t size = 2 * sizeof *counts;
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) abort();
    void* page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) abort();
    counts = page;
    close(fd);
}

// Whether this call is to fail.
static int note(int fd) {
    const uint64_t number = atomic_fetch_add(&calls, 1) + 1;
    if (counts != NULL) {
        atomic_fetch_add(&counts[0], 1);
        if (fd == atomic_load(&failed_fd)) atomic_fetch_add(&counts[1], 1);
    }
    if (fail_at != 0 && number == fail_at) {
        atomic_store(&failed_fd, fd);
        return 1;
    }
    if (delay_us <= 0) return 0;
    struct timespec time = {delay_us / 1000000, delay_us % 1000000 * 1000};
    nanosleep(&time, NULL);
    return 0;
}

static int sync_with(int fd, int (*real)(int)) {
    if (note(fd)) {
        errno = EIO;
        return -1;
    }
    return skips ? 0 : real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "fdatasync");
    return sync_with(fd, real);
}

int fsync(int fd) {
    static int (*real)(int);
    if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "fsync");
    return sync_with(fd, real);
}
