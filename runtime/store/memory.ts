// Shared memory through libc. The library that calls it takes some milliseconds to load, so it is loaded at first use.

/** Part of a file in this process's memory. */
export interface Mapping {
  readonly address: bigint;
  readonly bytes: number;
}

export interface Memory {
  /** Writes go to the file. All pages are there at once: writing takes no page fault. */
  mapShared(fd: number, bytes: number): Mapping;
  /** Reads see the file; a write changes a page of this process's own. */
  mapPrivate(fd: number, bytes: number): Mapping;
  /** The mapping as an ArrayBuffer, which does not end the mapping when it goes. */
  bufferOver(mapping: Mapping): ArrayBuffer;
  /** No ArrayBuffer over it may be in use. Does not hold up this thread. */
  unmap(mapping: Mapping): Promise<void>;
  /** Gives the file its length and all its pages, off this thread, so that no later write can find no room. */
  allocate(fd: number, bytes: number): Promise<void>;
}

const [readWrite, shared, privately, noReserve, populate] = [0x3, 0x1, 0x2, 0x4000, 0x8000];
/** Taking pages away takes some 40 µs a MiB. */
const unmappedAtOnceBytes = 1024 * 1024;
const failed = 0xffff_ffff_ffff_ffffn;

let loaded: Promise<Memory> | undefined;

export function memory(): Promise<Memory> {
  loaded ??= load();
  return loaded;
}

/** What is loaded already; undefined before the first use. */
export function memoryAtHand(): Memory | undefined {
  return atHand;
}

let atHand: Memory | undefined;

async function load(): Promise<Memory> {
  const { default: koffi } = await import("koffi");
  const libc = koffi.load(null);
  const mmap = libc.func("void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)");
  const munmap = libc.func("int munmap(void *address, size_t length)");
  // Unlike its siblings it gives the error's number instead of setting errno, which a call on another thread needs.
  const allocate = libc.func("int posix_fallocate(int fd, int64_t offset, int64_t length)");
  const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number as number, name]));

  let unmapping: Promise<unknown> = Promise.resolve();

  const failure = (call: string, errno: number): Error => {
    const code = names.get(errno) ?? `errno ${errno}`;
    return Object.assign(new Error(`${call}: ${code}`), { code, errno, syscall: call });
  };
  const map = (fd: number, bytes: number, flags: number): Mapping => {
    const address = mmap(null, bytes, readWrite, flags, fd, 0) as bigint;
    if (address === failed) throw failure("mmap", koffi.errno());
    return { address, bytes };
  };
  const elsewhere = (call: typeof mmap, args: readonly unknown[]): Promise<number> =>
    new Promise((resolve, reject) => {
      call.async(...args, (error: Error | null, result: number) => (error ? reject(error) : resolve(result)));
    });
  atHand = {
    mapShared: (fd, bytes) => map(fd, bytes, shared | populate),
    mapPrivate: (fd, bytes) => map(fd, bytes, privately | noReserve),
    bufferOver: ({ address, bytes }) => koffi.view(address, bytes),
    async unmap({ address, bytes }) {
      if (bytes <= unmappedAtOnceBytes) return void munmap(address, bytes);
      // One at a time: the kernel does no more, and koffi refuses hundreds.
      const done = unmapping.then(() => elsewhere(munmap, [address, bytes]));
      unmapping = done;
      await done;
    },
    async allocate(fd, bytes) {
      const errno = await elsewhere(allocate, [fd, 0, bytes]);
      if (errno !== 0) throw failure("posix_fallocate", errno);
    },
  };
  return atHand;
}
