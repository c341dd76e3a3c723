// Files: open, creat, read, write, seek, vectors, positions, lengths, copying, anonymous files.
#include "tests/guest/cases/case.h"

#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static char buffer[256];

static void opening(void) {
    show("open missing", SYS(open, "missing", O_RDONLY, 0));
    show("open new", SYS(open, "f", O_RDWR | O_CREAT | O_EXCL, 0640));
    show("open exclusive again", SYS(open, "f", O_RDWR | O_CREAT | O_EXCL, 0640));
    show("open lowest free", SYS(open, "f", O_RDONLY, 0));
    show("close", SYS(close, 4));
    show("close again", SYS(close, 4));
    show("close -1", SYS(close, -1));
    show("open directory to write", SYS(open, ".", O_RDWR, 0));
    show("open file as directory", SYS(open, "f", O_RDONLY | O_DIRECTORY, 0));
    show("open below file", SYS(open, "f/x", O_RDONLY, 0));
    show("open with trailing slash", SYS(open, "f/", O_RDONLY, 0));
    show("create with trailing slash", SYS(open, "g/", O_RDWR | O_CREAT, 0644));
    show("open empty path", SYS(open, "", O_RDONLY, 0));
    show("open long name", SYS(open, memset(buffer, 'n', 255) ? (buffer[255] = 0, buffer) : 0, O_RDONLY, 0));
    static char longer[300];
    memset(longer, 'n', 256);
    show("open too long name", SYS(open, longer, O_RDONLY, 0));
    static char path[5000];
    for (int i = 0; i < 4990; i += 2) memcpy(path + i, "./", 2);
    show("open too long path", SYS(open, path, O_RDONLY, 0));
    show("creat", SYS(creat, "c", 0600));
    show("read of write-only", SYS(read, 4, buffer, 1));
    close(4);
    show("openat", SYS(openat, AT_FDCWD, "f", O_RDONLY, 0));
    show("write to read-only", SYS(write, 4, "x", 1));
    close(4);
    show("openat bad directory", SYS(openat, 77, "f", O_RDONLY, 0));
    show("openat file as directory", SYS(openat, 3, "f", O_RDONLY, 0));
    show("openat absolute ignores descriptor", SYS(openat, 77, "/tmp/files/f", O_RDONLY, 0));
    close(4);
    struct open_how how = {.flags = O_RDONLY};
    show("openat2", SYS(openat2, AT_FDCWD, "f", &how, sizeof how));
    close(4);
    how.resolve = RESOLVE_BENEATH;
    show("openat2 beneath", SYS(openat2, AT_FDCWD, "../files/f", &how, sizeof how));
    how.resolve = RESOLVE_NO_SYMLINKS;
    symlink("f", "l");
    show("openat2 no symlinks", SYS(openat2, AT_FDCWD, "l", &how, sizeof how));
    how = (struct open_how){.flags = O_RDONLY, .mode = 0644};
    show("openat2 mode without create", SYS(openat2, AT_FDCWD, "f", &how, sizeof how));
    show("openat2 short struct", SYS(openat2, AT_FDCWD, "f", &how, 8));
    how = (struct open_how){.flags = 1ull << 40};
    show("openat2 unknown flag", SYS(openat2, AT_FDCWD, "f", &how, sizeof how));
    show("open nofollow of link", SYS(open, "l", O_RDONLY | O_NOFOLLOW, 0));
    show("open path of link", SYS(open, "l", O_PATH | O_NOFOLLOW, 0));
    show("read of path descriptor", SYS(read, 4, buffer, 1));
    close(4);
}

static void reading(void) {
    show("write", SYS(write, 3, "hello, world", 12));
    show("seek set", SYS(lseek, 3, 0L, SEEK_SET));
    show("read", SYS(read, 3, buffer, 5L));
    show("seek cur", SYS(lseek, 3, 2L, SEEK_CUR));
    show("read", SYS(read, 3, buffer, 100L));
    say("read bytes: %.5s\n", buffer);
    show("read at end", SYS(read, 3, buffer, 1L));
    show("read nothing", SYS(read, 3, buffer, 0L));
    show("seek end", SYS(lseek, 3, -2L, SEEK_END));
    show("seek before start", SYS(lseek, 3, -100L, SEEK_CUR));
    show("seek bad whence", SYS(lseek, 3, 0L, 99));
    show("seek data", SYS(lseek, 3, 3L, SEEK_DATA));
    show("seek hole", SYS(lseek, 3, 3L, SEEK_HOLE));
    show("seek data past end", SYS(lseek, 3, 100L, SEEK_DATA));
    show("seek past end", SYS(lseek, 3, 100L, SEEK_SET));
    show("write past end", SYS(write, 3, "!", 1L));
    show("hole size", SYS(lseek, 3, 0L, SEEK_END));
    show("pread hole", SYS(pread64, 3, buffer, 4L, 50L));
    check("hole is zero", memcmp(buffer, "\0\0\0\0", 4) == 0);
    show("pwrite", SYS(pwrite64, 3, "HELLO", 5L, 0L));
    show("pread", SYS(pread64, 3, buffer, 5L, 0L));
    say("pread bytes: %.5s\n", buffer);
    show("pread at end", SYS(pread64, 3, buffer, 5L, 1000L));
    show("pread negative", SYS(pread64, 3, buffer, 5L, -1L));
    show("pread bad descriptor", SYS(pread64, 77, buffer, 5L, 0L));
    show("position unmoved", SYS(lseek, 3, 0L, SEEK_CUR));
    struct iovec out[3] = {{"one", 3}, {"", 0}, {"three", 5}};
    show("pwritev", SYS(pwritev, 3, out, 3L, 10L, 0L));
    char a[4] = "", b[6] = "";
    struct iovec in[2] = {{a, 3}, {b, 5}};
    show("preadv", SYS(preadv, 3, in, 2L, 10L, 0L));
    say("preadv bytes: %s %s\n", a, b);
    lseek(3, 0, SEEK_SET);
    show("writev", SYS(writev, 3, out, 3L));
    lseek(3, 0, SEEK_SET);
    show("readv", SYS(readv, 3, in, 2L));
    say("readv bytes: %s %s\n", a, b);
    show("readv no vectors", SYS(readv, 3, in, 0L));
    show("readv too many vectors", SYS(readv, 3, in, 1025L));
    show("readv negative vectors", SYS(readv, 3, in, -1L));
    show("readv bad vector", SYS(readv, 3, 8L, 1L));
    show("read directory", SYS(read, open(".", O_RDONLY), buffer, 10L));
    close(4);
    show("seek of pipe", ({
             int p[2];
             SYS(pipe, p);
             long r = SYS(lseek, p[0], 0L, SEEK_SET);
             close(p[0]);
             close(p[1]);
             r;
         }));
}

static void lengths(void) {
    struct stat st;
    show("ftruncate longer", SYS(ftruncate, 3, 5000L));
    show("ftruncate shorter", SYS(ftruncate, 3, 4L));
    fstat(3, &st);
    show("size", st.st_size);
    show("truncate", SYS(truncate, "f", 10L));
    show("pread grown", SYS(pread64, 3, buffer, 20L, 0L));
    check("grown part is zero", memcmp(buffer + 4, "\0\0\0\0\0\0", 6) == 0);
    show("truncate negative", SYS(truncate, "f", -1L));
    show("truncate missing", SYS(truncate, "missing", 0L));
    show("truncate directory", SYS(truncate, ".", 0L));
    show("ftruncate read-only", ({
             int fd = open("f", O_RDONLY);
             long r = SYS(ftruncate, fd, 0L);
             close(fd);
             r;
         }));
    show("fallocate", SYS(fallocate, 3, 0, 0L, 8192L));
    fstat(3, &st);
    show("size", st.st_size);
    show("fallocate keep size", SYS(fallocate, 3, FALLOC_FL_KEEP_SIZE, 0L, 100000L));
    fstat(3, &st);
    show("size", st.st_size);
    pwrite(3, "xxxx", 4, 4096);
    show("punch hole", SYS(fallocate, 3, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096L, 4096L));
    pread(3, buffer, 4, 4096);
    check("punched is zero", memcmp(buffer, "\0\0\0\0", 4) == 0);
    show("fallocate nothing", SYS(fallocate, 3, 0, 0L, 0L));
    show("fadvise", SYS(fadvise64, 3, 0L, 0L, POSIX_FADV_SEQUENTIAL));
    show("fadvise bad advice", SYS(fadvise64, 3, 0L, 0L, 99));
    show("fsync", SYS(fsync, 3));
    show("fdatasync", SYS(fdatasync, 3));
    show("fsync bad", SYS(fsync, 77));
    show("sync", SYS(sync));
    int append = open("f", O_WRONLY | O_APPEND);
    ftruncate(3, 3);
    lseek(append, 0, SEEK_SET);
    show("append", SYS(write, append, "end", 3L));
    show("append position", SYS(lseek, append, 0L, SEEK_CUR));
    close(append);
    show("open truncating", SYS(open, "f", O_RDWR | O_TRUNC, 0));
    fstat(3, &st);
    show("size", st.st_size);
    close(4);
}

static void copying(void) {
    put("from", "0123456789");
    int from = open("from", O_RDONLY), to = open("to", O_RDWR | O_CREAT | O_TRUNC, 0644);
    off_t at = 2;
    show("sendfile", SYS(sendfile, to, from, &at, 5L));
    show("sendfile offset", at);
    show("sendfile source position", lseek(from, 0, SEEK_CUR));
    show("sendfile rest", SYS(sendfile, to, from, 0L, 100L));
    get("sent", "to");
    loff_t in = 0, out = 3;
    show("copy_file_range", SYS(copy_file_range, from, &in, to, &out, 4L, 0));
    say("copy_file_range offsets: %ld %ld\n", (long)in, (long)out);
    get("copied", "to");
    show("copy_file_range flags", SYS(copy_file_range, from, &in, to, &out, 4L, 1));
    show("copy_file_range to read-only", SYS(copy_file_range, to, 0L, from, 0L, 4L, 0));
    int memory = (int)SYS(memfd_create, "name", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    check("memfd_create", memory > 2);
    show("memfd write", SYS(write, memory, "anonymous", 9L));
    char link[64], path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    long n = readlink(path, link, sizeof link - 1);
    link[n > 0 ? n : 0] = 0;
    say("memfd link: %s\n", link);
    show("seal", SYS(fcntl, memory, F_ADD_SEALS, F_SEAL_GROW));
    show("seals", SYS(fcntl, memory, F_GET_SEALS, 0));
    show("sealed write", SYS(write, memory, "more", 4L));
    show("memfd bad flags", SYS(memfd_create, "x", 0x8000));
    show("tmpfile", ({
             int fd = (int)SYS(open, ".", O_TMPFILE | O_RDWR, 0600);
             long r = fd < 0 ? fd : SYS(write, fd, "x", 1L);
             close(fd);
             r;
         }));
}

int main(void) {
    enter("files");
    opening();
    reading();
    lengths();
    copying();
}
