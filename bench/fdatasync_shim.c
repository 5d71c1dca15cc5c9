// Preloaded into the server: delays every fdatasync and fsync by TANDEM_SHIM_DELAY_US and counts
// them in the file TANDEM_SHIM_COUNT, eight bytes in this machine's order, for others to read.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t* count;
static long delay_us;

__attribute__((constructor)) static void start(void) {
    const char* name = getenv("TANDEM_SHIM_COUNT");
    const char* delay = getenv("TANDEM_SHIM_DELAY_US");
    delay_us = delay != NULL ? atol(delay) : 0;
    if (name == NULL) return;
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *count) != 0) abort();
    void* page = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) abort();
    count = page;
    close(fd);
}

static void note(void) {
    if (count != NULL) atomic_fetch_add(count, 1);
    if (delay_us <= 0) return;
    struct timespec time = {delay_us / 1000000, delay_us % 1000000 * 1000};
    nanosleep(&time, NULL);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "fdatasync");
    note();
    return real(fd);
}

int fsync(int fd) {
    static int (*real)(int);
    if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "fsync");
    note();
    return real(fd);
}
