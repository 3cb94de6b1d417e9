/* A disk that does as a test says, and a clock that jumps: preloaded into a process, it stands before the C library.

   What it does stands in a small file that both sides have mapped, so that a test can change it at any moment. Only
   files are concerned whose path contains the word of the test; each kind of file (the database, its log, the index of
   the log) has a bit, and a fault names the kinds that it is for. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The same fields, in the same order, as in broken_disk.py. */
struct control {
    int64_t write_errno;   /* what a write says; 0: it is carried out */
    int64_t sync_errno;    /* what a sync says */
    int64_t read_errno;    /* what a read says */
    int64_t kinds;         /* which kinds of files */
    int64_t skip;          /* so many calls that a fault would hit are let through first */
    int64_t hold_syncs;    /* while it is 1, a sync waits */
    int64_t sync_nanos;    /* how much longer a sync takes */
    int64_t wall_nanos;    /* how much the wall clock is ahead */
    int64_t faults;        /* how many calls have been hit */
    int64_t syncs;         /* how many syncs have been asked for */
    int64_t waiting;       /* how many syncs wait */
};

static volatile struct control *control;
static const char *word;

#define REAL(name) ((typeof(&name))real(#name))

static void *real(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("WIRETASK_FAULTS");
    word = getenv("WIRETASK_FAULTY_PATH");
    if (path == NULL || word == NULL) return;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED) control = mapped;
}

static int ends_with(const char *path, const char *end) {
    size_t length = strlen(path), tail = strlen(end);
    return length >= tail && strcmp(path + length - tail, end) == 0;
}

/* 1: the database, 2: its log, 4: the index of the log, 8: others of the test, 0: none of its business. */
static int kind_of(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (strstr(path, word) == NULL) return 0;
    if (ends_with(path, "-wal")) return 2;
    if (ends_with(path, "-shm")) return 4;
    if (ends_with(path, ".db")) return 1;
    return 8;
}

/* The errno of a call, or 0 if it is to be carried out. */
static int fault(int file, int64_t number) {
    if (control == NULL || number == 0 || !(kind_of(file) & control->kinds)) return 0;
    if (__atomic_fetch_sub(&control->skip, 1, __ATOMIC_SEQ_CST) > 0) return 0;
    control->skip = 0;
    __atomic_fetch_add(&control->faults, 1, __ATOMIC_SEQ_CST);
    return (int)number;
}

#define HIT(number) \
    do { \
        int hit = control == NULL ? 0 : fault(file, (number)); \
        if (hit) { errno = hit; return -1; } \
    } while (0)

ssize_t write(int file, const void *octets, size_t count) {
    HIT(control->write_errno);
    return REAL(write)(file, octets, count);
}

ssize_t pwrite(int file, const void *octets, size_t count, off_t at) {
    HIT(control->write_errno);
    return REAL(pwrite)(file, octets, count, at);
}

ssize_t pwrite64(int file, const void *octets, size_t count, off64_t at) {
    HIT(control->write_errno);
    return REAL(pwrite64)(file, octets, count, at);
}

/* What makes a file shorter needs no space. */
static int grows(int file, off64_t length) {
    struct stat now;
    return fstat(file, &now) == 0 && length > now.st_size;
}

int ftruncate(int file, off_t length) {
    if (grows(file, length)) HIT(control->write_errno);
    return REAL(ftruncate)(file, length);
}

int ftruncate64(int file, off64_t length) {
    if (grows(file, length)) HIT(control->write_errno);
    return REAL(ftruncate64)(file, length);
}

ssize_t pread(int file, void *octets, size_t count, off_t at) {
    HIT(control->read_errno);
    return REAL(pread)(file, octets, count, at);
}

ssize_t pread64(int file, void *octets, size_t count, off64_t at) {
    HIT(control->read_errno);
    return REAL(pread64)(file, octets, count, at);
}

static void nap(int64_t nanos) {
    struct timespec time = {nanos / 1000000000, nanos % 1000000000};
    nanosleep(&time, NULL);
}

static void before_sync(int file) {
    if (control == NULL || !(kind_of(file) & control->kinds)) return;
    __atomic_fetch_add(&control->syncs, 1, __ATOMIC_SEQ_CST);
    if (control->sync_nanos) nap(control->sync_nanos);
    if (!control->hold_syncs) return;
    __atomic_fetch_add(&control->waiting, 1, __ATOMIC_SEQ_CST);
    while (control->hold_syncs) nap(1000000);
    __atomic_fetch_sub(&control->waiting, 1, __ATOMIC_SEQ_CST);
}

int fsync(int file) {
    before_sync(file);
    HIT(control->sync_errno);
    return REAL(fsync)(file);
}

int fdatasync(int file) {
    before_sync(file);
    HIT(control->sync_errno);
    return REAL(fdatasync)(file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int said = REAL(clock_gettime)(clock, time);
    if (said == 0 && control != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t nanos = time->tv_sec * INT64_C(1000000000) + time->tv_nsec + control->wall_nanos;
        time->tv_sec = nanos / 1000000000;
        time->tv_nsec = nanos % 1000000000;
    }
    return said;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    int said = REAL(gettimeofday)(time, zone);
    if (said == 0 && control != NULL) time->tv_sec += control->wall_nanos / 1000000000;
    return said;
}

time_t time(time_t *to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to != NULL) *to = now.tv_sec;
    return now.tv_sec;
}
